// SPDX-License-Identifier: Apache-2.0
#include "median.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The median of `size` rows of a square image's centre.
float centreOf(const std::vector<std::vector<float>>& rows) {
  const int size = static_cast<int>(rows.size());
  Image<float> in(size, size), out(size, size);
  for (int v = 0; v < size; ++v) {
    for (int u = 0; u < size; ++u) in.view().at(u, v) = rows[static_cast<size_t>(v)][static_cast<size_t>(u)];
  }
  medianFilter(in.view(), size, out.view());
  return out.view().at(size / 2, size / 2);
}

TEST(MedianFilter, TakesTheMiddleOfNine) {
  EXPECT_EQ(centreOf({{9, 1, 8}, {2, 100, 3}, {7, 4, 6}}), 6);
}

TEST(MedianFilter, OfAnEvenNumberTakesTheNearerOfTheTwo) {
  EXPECT_EQ(centreOf({{1, 1, kNaN}, {1, 5, 9}, {9, 9, 8}}), 5);
  EXPECT_EQ(centreOf({{1, 2, 3}, {kNaN, 8, 7}, {7, 9, 4}}), 7);
  EXPECT_EQ(centreOf({{1, 2, 3}, {kNaN, 1, 7}, {7, 9, 4}}), 3);
}

TEST(MedianFilter, LeavesMissingPixelsMissing) {
  EXPECT_TRUE(std::isnan(centreOf({{1, 2, 3}, {4, kNaN, 6}, {7, 8, 9}})));
}

TEST(MedianFilter, LeavesAPixelAloneThatIsAlone) {
  EXPECT_EQ(centreOf({{kNaN, kNaN, kNaN}, {kNaN, 5, kNaN}, {kNaN, kNaN, kNaN}}), 5);
}

TEST(MedianFilter, EqualsItsTwinOnEveryTargetAndOddSizes) {
  std::mt19937 random(7);
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{{1, 1}, {2, 3}, {16, 4}, {17, 5}, {33, 31}, {100, 40}}) {
    for (const uint32_t missing : {0u, 10u, 70u}) {
      Image<float> in(width, height), expected(width, height), got(width, height);
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          // Few different values, so that there are ties.
          in.view().at(u, v) = random() % 100 < missing ? kNaN : static_cast<float>(random() % 12) - 6;
        }
      }
      for (const int size : {1, 3, 5}) {
        medianFilterReference(in.view(), size, expected.view());
        onEveryTarget([&] {
          medianFilter(in.view(), size, got.view());
          for (int v = 0; v < height; ++v) {
            for (int u = 0; u < width; ++u) {
              const float e = expected.view().at(u, v), g = got.view().at(u, v);
              ASSERT_TRUE(e == g || (std::isnan(e) && std::isnan(g)))
                  << width << 'x' << height << " size " << size << " at " << u << ' ' << v << ": " << e << " " << g;
            }
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace altiplano
