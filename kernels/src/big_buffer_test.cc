// SPDX-License-Identifier: Apache-2.0
#include "big_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace altiplano {
namespace {

constexpr size_t kLarge = size_t{8} << 20;

TEST(BigBuffer, OfAnySizeIsAlignedAndWritableToItsEnd) {
  for (const size_t size : {size_t{1}, size_t{65}, kLarge / 4, kLarge + 1}) {
    BigBuffer buffer(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    std::memset(buffer.data(), 7, size);
    EXPECT_EQ(buffer.data()[size - 1], 7);
  }
}

#ifdef __linux__
TEST(BigBuffer, GrowsWithoutLosingWhatTheSystemHasCleared) {
  BigBuffer buffer(kLarge);
  uint8_t* const before = buffer.data();
  before[kLarge - 1] = 7;
  EXPECT_EQ(buffer.room(2 * kLarge), before);
  EXPECT_EQ(before[kLarge - 1], 7);
  std::memset(before, 8, 2 * kLarge);
  EXPECT_EQ(buffer.size(), 2 * kLarge);
}
#endif

TEST(BigBuffer, OutgrowsTheSpaceSetAside) {
  BigBuffer buffer(kLarge);
  uint8_t* const data = buffer.room(9 * kLarge);
  data[9 * kLarge - 1] = 7;
  EXPECT_EQ(buffer.size(), 9 * kLarge);
}

TEST(BigBuffer, IsGivenBackWhenItWasTooLargeTimeAndAgain) {
  BigBuffer buffer(kLarge);
  for (int i = 0; i < 100; ++i) {
    buffer.room(i % 2 == 0 ? kLarge : 1);
    EXPECT_EQ(buffer.size(), kLarge) << "small tasks between large ones";
  }
  int small = 0;
  while (buffer.size() == kLarge && small < 100) buffer.room(1), ++small;
  EXPECT_GT(small, 2);
  EXPECT_EQ(buffer.size(), 1u);
}

TEST(BigBuffer, MovesWithItsSize) {
  BigBuffer from(kLarge);
  uint8_t* const data = from.data();
  BigBuffer to = std::move(from);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.size(), kLarge);
  EXPECT_EQ(from.data(), nullptr);  // NOLINT(bugprone-use-after-move): empty, and of use again
  from.atLeast(10)[9] = 1;
  EXPECT_EQ(from.size(), 10u);
}

}  // namespace
}  // namespace altiplano
