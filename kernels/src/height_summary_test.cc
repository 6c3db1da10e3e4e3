// SPDX-License-Identifier: Apache-2.0
#include "height_summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kFrom = -10, kPerMetre = 4;
constexpr int kBins = 200;

struct Cells {
  Cells(int width, int height) : width(width), height(height), heights(size()), reasons(size(), 1) {}
  size_t size() const { return static_cast<size_t>(width) * height; }
  void set(int x, int y, float value) {
    heights[static_cast<size_t>(y) * width + x] = value;
    reasons[static_cast<size_t>(y) * width + x] = 0;
  }
  HeightSummary summary(std::vector<uint32_t>& counts) const {
    return summarizeHeights({heights.data(), width, height, width}, {reasons.data(), width, height, width}, {kFrom, kPerMetre, counts.data(), kBins});
  }

  int width, height;
  std::vector<float> heights;
  std::vector<uint16_t> reasons;
};

TEST(HeightSummary, CountsWhatHasAHeightAndWhere) {
  std::mt19937 random(5);
  for (const int width : {1, 7, 511, 512, 513, 1100}) {
    Cells cells(width, 5);
    std::vector<uint32_t> expected(kBins);
    HeightSummary truth;
    for (int y = 1; y < 4; ++y) {
      for (int x = 0; x < width; ++x) {
        if (random() % 3 == 0) continue;
        const float height = static_cast<float>(random() % 1000) / 16 - 12;  // beyond the bins at both ends
        cells.set(x, y, height);
        ++expected[static_cast<size_t>(std::clamp(static_cast<int>(std::floor((height - kFrom) * kPerMetre)), 0, kBins - 1))];
        ++truth.valid;
        truth.min = std::min(truth.min, height);
        truth.max = std::max(truth.max, height);
        truth.left = std::min(truth.left, x);
        truth.right = std::max(truth.right, x);
        truth.top = std::min(truth.top, y);
        truth.bottom = std::max(truth.bottom, y);
      }
    }
    for (uint32_t& count : expected) count += 3;
    onEveryTarget([&] {
      std::vector<uint32_t> counts(kBins, 3);
      const HeightSummary sum = cells.summary(counts);
      EXPECT_EQ(counts, expected) << width;
      EXPECT_EQ(sum.valid, truth.valid);
      EXPECT_EQ(std::pair(sum.min, sum.max), std::pair(truth.min, truth.max));
      EXPECT_EQ((std::vector{sum.left, sum.right, sum.top, sum.bottom}), (std::vector{truth.left, truth.right, truth.top, truth.bottom})) << width;
    });
  }
}

TEST(HeightSummary, OfNothingIsEmpty) {
  std::vector<uint32_t> counts(kBins);
  const HeightSummary sum = Cells(600, 3).summary(counts);
  EXPECT_EQ(sum.valid, 0);
  EXPECT_GT(sum.left, sum.right);
  EXPECT_EQ(counts, std::vector<uint32_t>(kBins));
}

}  // namespace
}  // namespace altiplano
