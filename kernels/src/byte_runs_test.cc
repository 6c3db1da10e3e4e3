// SPDX-License-Identifier: Apache-2.0
#include "byte_runs.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {

bool operator==(const ByteRun& a, const ByteRun& b) { return a.from == b.from && a.length == b.length; }

namespace {

std::vector<ByteRun> runsOf(const std::vector<uint8_t>& bytes, size_t (*find)(const uint8_t*, size_t, ByteRun*) = findByteRuns) {
  std::vector<ByteRun> runs(kMostRuns);
  runs.resize(find(bytes.data(), bytes.size(), runs.data()));
  return runs;
}

TEST(ByteRuns, BeginBehindTheByteTheyRepeat) {
  //                                  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20
  const std::vector<uint8_t> bytes = {7, 5, 5, 5, 5, 5, 5, 5, 5, 5, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3};
  EXPECT_EQ(runsOf(bytes), (std::vector<ByteRun>{{2, 8}}));  // seven are too few
}

TEST(ByteRuns, OfOneValueAreOne) {
  EXPECT_EQ(runsOf(std::vector<uint8_t>(kMostRunBytes)), (std::vector<ByteRun>{{1, kMostRunBytes - 1}}));
  EXPECT_TRUE(runsOf(std::vector<uint8_t>(kShortestRun)).empty());
  EXPECT_TRUE(runsOf({}).empty());
}

TEST(ByteRuns, FillTheRoomForThem) {
  std::vector<uint8_t> bytes(kMostRunBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i / (kShortestRun + 1));
  EXPECT_EQ(runsOf(bytes).size(), kMostRuns);
}

TEST(ByteRuns, AreThoseOfTheSlowTwinOnAllTargets) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint8_t> bytes(random() % 700);
    const uint32_t often = 1 + random() % 40;  // one byte in so many differs from the one before
    for (size_t i = 1; i < bytes.size(); ++i) bytes[i] = random() % often == 0 ? static_cast<uint8_t>(random()) : bytes[i - 1];
    const std::vector<ByteRun> expected = runsOf(bytes, findByteRunsReference);
    onEveryTarget([&] { EXPECT_EQ(runsOf(bytes), expected) << bytes.size() << " bytes, round " << round; });
  }
}

}  // namespace
}  // namespace altiplano
