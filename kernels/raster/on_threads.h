// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_RASTER_ON_THREADS_H_
#define ALTIPLANO_RASTER_ON_THREADS_H_

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace altiplano::raster {

// Runs `job(thread)` on so many threads, 0 being the caller's own; the first exception is thrown once all have ended.
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

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_ON_THREADS_H_
