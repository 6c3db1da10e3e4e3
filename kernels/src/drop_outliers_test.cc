// SPDX-License-Identifier: Apache-2.0
#include "drop_outliers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Points {
  Image<float> east, north, up;
  Points(int width, int height) : east(width, height), north(width, height), up(width, height) {}
  PointViews views() { return {east.view(), north.view(), up.view()}; }
};

// Around a prior of 23 x 11 cells of 2 m whose corner is 3.5 m west and 1.25 m north of the points' origin.
Points randomPoints(int width, int height, uint32_t seed) {
  Points points(width, height);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(0, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool none = random() % 9 == 0;
      points.east.view().at(x, y) = none ? kNaN : 60 * unit(random) - 8;
      points.north.view().at(x, y) = none ? kNaN : 5 - 30 * unit(random);
      points.up.view().at(x, y) = none ? kNaN : 80 + 160 * unit(random);
    }
  }
  return points;
}

bool same(Image<float>& a, Image<float>& b) {
  for (int y = 0; y < a.height(); ++y) {
    if (std::memcmp(a.view().row(y), b.view().row(y), static_cast<size_t>(a.width()) * sizeof(float)) != 0) return false;
  }
  return true;
}

TEST(DropOutliers, EqualsItsTwinOnEveryTarget) {
  std::vector<float> low(23 * 11), high(low);
  std::mt19937 random(1);
  for (size_t i = 0; i < low.size(); ++i) {
    low[i] = 100.0f + static_cast<float>(random() % 40);
    high[i] = low[i] + static_cast<float>(random() % 60);
  }
  const HeightPrior prior{denseView<const float>(low.data(), 23, 11), denseView<const float>(high.data(), 23, 11), 496.5,
                          901.25, 2};
  const HeightPrior none{{}, {}, 0, 0, 1};
  const OutlierLimits limits{100, 200, 3, 10, 40};
  for (const int width : {1, 7, 16, 67}) {
    for (const HeightPrior& known : {prior, none}) {
      Points slow = randomPoints(width, 31, 7);
      const size_t dropped = dropOutliersReference(slow.views(), 500, 900, known, limits);
      if (width == 67) {
        EXPECT_GT(dropped, 300u);
        EXPECT_LT(dropped, 1700u);
      }
      onEveryTarget([&] {
        Points fast = randomPoints(width, 31, 7);
        EXPECT_EQ(dropOutliers(fast.views(), 500, 900, known, limits), dropped);
        EXPECT_TRUE(same(fast.east, slow.east) && same(fast.north, slow.north) && same(fast.up, slow.up));
      });
    }
  }
}

// Two by two cells of 2 m. A cell holds its western and northern border, a range both its ends; elsewhere the limits hold.
TEST(DropOutliers, KeepsWhatLiesOnTheEndsOfItsCellsRange) {
  const float low[] = {100, 110, 300, 310}, high[] = {105, 115, 305, 315};
  const HeightPrior prior{denseView<const float>(low, 2, 2), denseView<const float>(high, 2, 2), 0, 0, 2};
  const OutlierLimits limits{0, 1000, 1, 2, 5};
  struct Case {
    float east, north, up;
    bool stays;
  };
  const Case cases[] = {
      {0, 0, 99, true},    {0, 0, 98.9f, false}, {0, 0, 108, true},    {0, 0, 108.1f, false},  // the first cell
      {2, 0, 109, true},   {2, 0, 108.9f, false}, {0, -2, 299, true},  {0, -2, 200, false},    // its neighbours
      {4, 0, 500, true},   {0, -4, 500, true},   {-0.1f, 0, 500, true}, {0, 0.1f, 500, true},  // around all cells
      {4, 0, -1, true},    {4, 0, -1.1f, false}, {4, 0, 1003, true},   {4, 0, 1003.1f, false},
  };
  onEveryTarget([&] {
    for (const Case& c : cases) {
      Points point(1, 1);
      point.east.view().at(0, 0) = c.east, point.north.view().at(0, 0) = c.north, point.up.view().at(0, 0) = c.up;
      EXPECT_EQ(dropOutliers(point.views(), 0, 0, prior, limits), c.stays ? 0u : 1u) << c.east << ' ' << c.north << ' ' << c.up;
      EXPECT_EQ(std::isnan(point.up.view().at(0, 0)), !c.stays);
    }
  });
}

}  // namespace
}  // namespace altiplano
