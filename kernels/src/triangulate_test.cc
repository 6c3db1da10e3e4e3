// SPDX-License-Identifier: Apache-2.0
#include "triangulate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

Poly3 randomPoly3(uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  Poly3 poly{{12.5, -7.25, 3.5}, {1000.5, 900.25, 64.125}, {355000.5, 3320000.25, 120.75}, {}};
  for (auto& output : poly.coefficients) {
    for (double& c : output) c = 500 * unit(random);
  }
  return poly;
}

struct Points {
  Image<float> east, north, up;
  Points(int width, int height) : east(width, height), north(width, height), up(width, height) {}
  PointViews views() { return {east.view(), north.view(), up.view()}; }
};

Image<float> randomDisparity(int width, int height, uint32_t seed) {
  Image<float> image(width, height);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> range(-60, 60);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.view().at(x, y) = random() % 5 == 0 ? std::numeric_limits<float>::quiet_NaN() : range(random);
    }
  }
  return image;
}

TEST(Triangulate, EqualsItsTwinToTheBitOnEveryTarget) {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {16, 2}, {33, 5}, {129, 4}}) {
    const Image<float> disparity = randomDisparity(width, height, width);
    const Poly3 poly = randomPoly3(height);
    Points expected(width, height);
    triangulateReference(disparity.view(), -100, 37, poly, 355001, 3320002, expected.views());
    onEveryTarget([&] {
      Points actual(width, height);
      triangulate(disparity.view(), -100, 37, poly, 355001, 3320002, actual.views());
      for (int y = 0; y < height; ++y) {
        const size_t bytes = static_cast<size_t>(width) * sizeof(float);
        EXPECT_EQ(0, std::memcmp(expected.east.view().row(y), actual.east.view().row(y), bytes));
        EXPECT_EQ(0, std::memcmp(expected.north.view().row(y), actual.north.view().row(y), bytes));
        EXPECT_EQ(0, std::memcmp(expected.up.view().row(y), actual.up.view().row(y), bytes));
      }
    });
  }
}

TEST(Triangulate, IsWithinATenthOfAMillimetreOfThePolynomialNearTheOrigin) {
  Poly3 poly = randomPoly3(3);
  for (auto& output : poly.coefficients) {
    for (double& c : output) c /= 20;
  }
  const Image<float> disparity = randomDisparity(200, 8, 5);
  Points points(200, 8);
  triangulate(disparity.view(), -90, -4, poly, 355000, 3320000, points.views());
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 200; ++x) {
      const double d = disparity.view().at(x, y);
      double at[3] = {x - 90.0, y - 4.0, d};
      evaluatePoly3(poly, at, 1, at);
      if (std::isnan(d)) {
        EXPECT_TRUE(std::isnan(points.up.view().at(x, y)) && std::isnan(points.east.view().at(x, y)));
        continue;
      }
      EXPECT_NEAR(points.east.view().at(x, y), at[0] - 355000, 1e-4);
      EXPECT_NEAR(points.north.view().at(x, y), at[1] - 3320000, 1e-4);
      EXPECT_NEAR(points.up.view().at(x, y), at[2], 1e-4);
    }
  }
}

// The terms in the order of the contract: x = 2, y = 3, z = 5 make every one a different number.
TEST(Polynomial, HasItsTermsInTheOrderOfTheContract) {
  const double terms[20] = {1, 2, 3, 5, 4, 6, 10, 9, 15, 25, 8, 12, 20, 18, 30, 50, 27, 45, 75, 125};
  for (int k = 0; k < 20; ++k) {
    Poly3 poly{{1, 1, 1}, {2, 2, 2}, {100, 0, 0}, {}};
    poly.coefficients[0][k] = 1;
    double at[3] = {5, 7, 11};  // (in - 1) / 2 = 2, 3, 5
    evaluatePoly3(poly, at, 1, at);
    EXPECT_EQ(at[0], 100 + terms[k]) << k;
    EXPECT_EQ(at[1], 0);
  }
}

}  // namespace
}  // namespace altiplano
