// SPDX-License-Identifier: Apache-2.0
#include "dsm_from_disparity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"
#include "triangulate.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr DsmGrid kGrid{355000, 3320000, 0.5};

// Turns the block by `turn`; half a metre a pixel, one metre of height a pixel of disparity, and a little of everything else.
Poly3 groundOf(double turn) {
  Poly3 poly{{40, 30, 12}, {40, 30, 12}, {355015, 3319990, 120}, {}};
  const double east[3] = {20 * std::cos(turn), -15 * std::sin(turn), 4},
               north[3] = {-20 * std::sin(turn), -15 * std::cos(turn), 2}, up[3] = {0.3, -0.2, 12};
  for (int k = 0; k < 3; ++k) {
    poly.coefficients[0][k + 1] = east[k], poly.coefficients[1][k + 1] = north[k], poly.coefficients[2][k + 1] = up[k];
  }
  for (int k = 4; k < 20; ++k) poly.coefficients[k % 3][k] = 0.01 * k;
  return poly;
}

struct Block {
  Image<float> disparity, weight;
  Block(int width, int height) : disparity(width, height), weight(width, height) {
    std::mt19937 random(static_cast<uint32_t>(width));
    std::uniform_real_distribution<float> unit(0, 1);
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) {
        const float d = i > width / 2 ? 18.0f : 10.0f;  // a wall
        disparity.view().at(i, j) = random() % 8 == 0 ? kNaN : d + unit(random) + (random() % 20 == 0 ? 40.0f : 0.0f);
        weight.view().at(i, j) = random() % 30 == 0 ? 0.0f : unit(random);
        // As in a turned tile: rows begin and end somewhere, some have nothing.
        if (height > 9 && (i < j % 7 || i >= width - j % 5 || j == 3)) disparity.view().at(i, j) = kNaN;
      }
    }
  }
  DisparityBlock of(const Poly3& poly) { return {disparity.view(), weight.view(), -3, 5, poly}; }
};

struct Dsm {
  Image<float> height, weight, spread;
  Image<uint16_t> count;
  Dsm(int w, int h) : height(w, h), weight(w, h), spread(w, h), count(w, h) {}
  DsmViews views() { return {height.view(), weight.view(), spread.view(), count.view()}; }
};

template <typename T>
bool sameBits(Image<T>& a, Image<T>& b) {
  for (int y = 0; y < a.height(); ++y) {
    if (std::memcmp(a.view().row(y), b.view().row(y), static_cast<size_t>(a.width()) * sizeof(T)) != 0) return false;
  }
  return true;
}

struct Prior {
  std::vector<float> low = std::vector<float>(12 * 9, 110.0f), high = std::vector<float>(12 * 9, 124.0f);
  HeightPrior view() const {
    return {denseView<const float>(low.data(), 12, 9), denseView<const float>(high.data(), 12, 9), 354998, 3320003, 4};
  }
};
constexpr OutlierLimits kLimits{100, 140, 1, 4, 40};

// Rows of less than a vector, of some vectors and a rest, and of more points than are placed at a time; turned so that a row of
// pixels lies along a row of cells, across all of them, and in between.
TEST(DsmFromDisparity, EqualsItsTwinOnEveryTarget) {
  const Prior prior;
  BigBuffer memory;  // of blocks of all sizes in turn
  for (const auto& [width, height] : {std::pair(1, 1), {7, 30}, {83, 61}, {1100, 9}}) {
    for (const double turn : {0.0, 0.6, 1.55}) {
      Block block(width, height);
      const Poly3 poly = groundOf(turn);
      Dsm slow(67, 45);
      const size_t dropped = dsmFromDisparityReference(block.of(poly), kGrid, prior.view(), kLimits, {}, slow.views());
      onEveryTarget([&] {
        Dsm fast(67, 45);
        EXPECT_EQ(dsmFromDisparity(block.of(poly), kGrid, prior.view(), kLimits, {}, memory, fast.views()), dropped);
        EXPECT_TRUE(sameBits(fast.height, slow.height) && sameBits(fast.weight, slow.weight));
        EXPECT_TRUE(sameBits(fast.spread, slow.spread) && sameBits(fast.count, slow.count));
      });
    }
  }
}

TEST(DsmFromDisparity, EqualsTheThreeStepsItIsMadeOf) {
  const Prior prior;
  const Poly3 poly = groundOf(0.3);
  Block block(83, 61);
  Dsm whole(67, 45), steps(67, 45);
  BigBuffer memory;
  const size_t dropped = dsmFromDisparity(block.of(poly), kGrid, prior.view(), kLimits, {}, memory, whole.views());
  std::vector<float> east(83 * 61), north(east), up(east), weight;
  const PointViews points{denseView(east.data(), 83, 61), denseView(north.data(), 83, 61), denseView(up.data(), 83, 61)};
  triangulate(block.disparity.view(), -3, 5, poly, kGrid.originE, kGrid.originN, points);
  EXPECT_EQ(dropOutliers(points, kGrid.originE, kGrid.originN, prior.view(), kLimits), dropped);
  EXPECT_GT(dropped, 100u);
  for (int j = 0; j < 61; ++j) weight.insert(weight.end(), block.weight.view().row(j), block.weight.view().row(j) + 83);
  rasterizeDsm({east.data(), north.data(), up.data(), weight.data(), weight.size()}, {0, 0, kGrid.resolution}, {}, steps.views());
  EXPECT_TRUE(sameBits(whole.height, steps.height) && sameBits(whole.weight, steps.weight));
  EXPECT_TRUE(sameBits(whole.spread, steps.spread) && sameBits(whole.count, steps.count));
  int cells = 0;
  for (int j = 0; j < 45; ++j) {
    for (int i = 0; i < 67; ++i) cells += whole.count.view().at(i, j) > 0;
  }
  EXPECT_GT(cells, 1500);
}

}  // namespace
}  // namespace altiplano
