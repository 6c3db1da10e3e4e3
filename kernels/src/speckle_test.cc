// SPDX-License-Identifier: Apache-2.0
#include "speckle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

struct Map {
  Map(int width, int height) : disparity(width, height), confidence(width, height), validity(width, height) {
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) set(u, v, 0);
    }
  }
  Image<float> disparity, confidence;
  Image<uint16_t> validity;

  DisparityViews views() { return {disparity.view(), validity.view(), confidence.view()}; }
  void set(int u, int v, float d) {
    disparity.view().at(u, v) = d;
    validity.view().at(u, v) = std::isnan(d) ? kLeftRight : kValid;
    confidence.view().at(u, v) = std::isnan(d) ? 0.0f : 0.5f;
  }
  bool has(int u, int v) { return validity.view().at(u, v) == kValid; }
};

TEST(RemoveSpeckles, RejectsWhatIsSmallerAndOnlyThat) {
  Map map(20, 20);
  for (int i = 0; i < 5; ++i) map.set(3 + i, 4, 9);  // 5 pixels in a row
  for (int i = 0; i < 6; ++i) map.set(12, 8 + i, 9);  // 6 in a column
  removeSpeckles(map.views(), 6, 1);
  for (int v = 0; v < 20; ++v) {
    for (int u = 0; u < 20; ++u) {
      const bool speck = v == 4 && u >= 3 && u < 8;
      EXPECT_EQ(map.validity.view().at(u, v), speck ? kSpeckle : kValid) << u << ' ' << v;
      EXPECT_EQ(std::isnan(map.disparity.view().at(u, v)), speck);
      EXPECT_EQ(map.confidence.view().at(u, v), speck ? 0.0f : 0.5f);
    }
  }
}

TEST(RemoveSpeckles, FollowsStepsOfTheLimitButNoLargerOnes) {
  Map map(8, 1);
  for (int u = 0; u < 4; ++u) map.set(u, 0, static_cast<float>(u));
  for (int u = 4; u < 8; ++u) map.set(u, 0, 4.25f + static_cast<float>(u));
  removeSpeckles(map.views(), 5, 1);
  for (int u = 0; u < 8; ++u) EXPECT_FALSE(map.has(u, 0));
  Map slope(8, 1);
  for (int u = 0; u < 8; ++u) slope.set(u, 0, static_cast<float>(u));
  removeSpeckles(slope.views(), 8, 1);
  for (int u = 0; u < 8; ++u) EXPECT_TRUE(slope.has(u, 0));
}

TEST(RemoveSpeckles, JoinsArmsThatMeetOnlyBelow) {
  // #.#.#
  // #.#.#    one region of 11 pixels
  // #####
  Map map(5, 3);
  for (int v = 0; v < 2; ++v) {
    for (const int u : {1, 3}) map.set(u, v, std::numeric_limits<float>::quiet_NaN());
  }
  removeSpeckles(map.views(), 11, 1);
  EXPECT_TRUE(map.has(0, 0) && map.has(2, 0) && map.has(4, 0));
  removeSpeckles(map.views(), 12, 1);
  for (int u = 0; u < 5; ++u) EXPECT_FALSE(map.has(u, 2));
}

TEST(RemoveSpeckles, KeepsTheReasonsOfWhatWasRejectedBefore) {
  Map map(3, 3);
  map.set(1, 1, std::numeric_limits<float>::quiet_NaN());
  removeSpeckles(map.views(), 100, 1);
  EXPECT_EQ(map.validity.view().at(1, 1), kLeftRight);
}

TEST(RemoveSpeckles, EqualsItsTwinOnEveryTargetAndOddSizes) {
  std::mt19937 random(4);
  const std::pair<int, int> sizes[] = {{1, 1}, {1, 40}, {40, 1}, {33, 17}, {64, 9}, {65, 9}, {90, 70}, {193, 20}};
  for (const auto& [width, height] : sizes) {
    for (const uint32_t levels : {1u, 3u, 6u}) {
      for (const uint32_t apart : {4u, 50u}) {  // holes; the fewer, the longer are runs
        Image<float> given(width, height);
        for (int v = 0; v < height; ++v) {
          for (int u = 0; u < width; ++u) {
            given.view().at(u, v) = random() % apart == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(random() % levels);
          }
        }
        const auto copy = [&](Map& map) {
          for (int v = 0; v < height; ++v) {
            for (int u = 0; u < width; ++u) map.set(u, v, given.view().at(u, v));
          }
        };
        Map slow(width, height);
        copy(slow);
        removeSpecklesReference(slow.views(), 7, 1);
        onEveryTarget([&] {
          Map fast(width, height);
          copy(fast);
          removeSpeckles(fast.views(), 7, 1);
          for (int v = 0; v < height; ++v) {
            for (int u = 0; u < width; ++u) {
              ASSERT_EQ(fast.validity.view().at(u, v), slow.validity.view().at(u, v)) << width << 'x' << height << ": " << u << ' ' << v;
              ASSERT_EQ(std::isnan(fast.disparity.view().at(u, v)), std::isnan(slow.disparity.view().at(u, v)));
              ASSERT_EQ(fast.confidence.view().at(u, v), slow.confidence.view().at(u, v));
            }
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace altiplano
