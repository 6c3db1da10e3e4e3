// SPDX-License-Identifier: Apache-2.0
#include "on_threads.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace altiplano {
namespace {

TEST(OnThreads, RunsEveryJobOnceAndTheFirstOnTheCallersThread) {
  for (const int threads : {1, 2, 5}) {
    std::array<std::atomic<int>, 5> runs{};
    std::thread::id first;
    onThreads(threads, [&](int thread) {
      ++runs.at(static_cast<size_t>(thread));
      if (thread == 0) first = std::this_thread::get_id();
    });
    for (int thread = 0; thread < 5; ++thread) EXPECT_EQ(runs.at(static_cast<size_t>(thread)), thread < threads ? 1 : 0);
    EXPECT_EQ(first, std::this_thread::get_id());
  }
}

TEST(OnThreads, ThrowsWhatAnyOfThemThrewOnceAllHaveEnded) {
  for (const int failing : {0, 2}) {
    std::atomic<int> ended = 0;
    const auto job = [&](int thread) {
      if (thread == failing) throw std::runtime_error("job " + std::to_string(thread));
      ++ended;
    };
    try {
      onThreads(4, job);
      ADD_FAILURE() << "nothing thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "job " + std::to_string(failing));
    }
    EXPECT_EQ(ended, 3);
  }
}

}  // namespace
}  // namespace altiplano
