// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_ON_THREADS_H_
#define ALTIPLANO_KERNELS_ON_THREADS_H_

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace altiplano {

// Runs job(0), job(1), ... job(threads - 1) side by side, job(0) on the caller's own thread. Returns once all have ended, or throws the first
// exception of any of them then; also where a thread can't be started.
template <typename Job>
void onThreads(int threads, Job job) {
  std::exception_ptr first;
  std::mutex lock;
  const auto run = [&](int thread) {
    try {
      job(thread);
    } catch (...) {
      const std::lock_guard<std::mutex> held(lock);
      if (!first) first = std::current_exception();
    }
  };
  std::vector<std::jthread> others;  // which are joined, too, where one of them can't be started
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
  run(0);
  others.clear();
  if (first) std::rethrow_exception(first);
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_ON_THREADS_H_
