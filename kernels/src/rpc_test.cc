// SPDX-License-Identifier: Apache-2.0
// The formula, poles and failures; real cameras' reference values are in lib/rpc.test.ts.
#include "rpc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace altiplano {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A tilted camera with curved terms; image coordinates in units of `scale` pixels around `shift` units.
RpcModel camera(double scale, double shift) {
  RpcModel m{31, 0.05, 30, 0.04, 200, 400, 500 - shift * scale, scale, 700 - shift * scale, scale, {}, {}, {}, {}};
  const double numerators[2][20] = {{0.01, 0.9, 0.1, 0.08, 1e-3, -2e-4, 1e-4, 5e-4, -3e-4, 1e-6, 1e-5, 2e-5, -1e-5},
                                    {-0.02, 0.12, -0.95, -0.15, -1e-3, 3e-4, 2e-4, -4e-4, 6e-4, 1e-6, 0, 1e-5, 3e-5}};
  const double denominators[2][20] = {{1, 1e-3, -2e-3, 1e-4, 1e-5}, {1, -2e-3, 1e-3, 2e-4, 3e-5}};
  for (int k = 0; k < 20; ++k) {
    m.colDen[k] = denominators[0][k];
    m.rowDen[k] = denominators[1][k];
    m.colNum[k] = numerators[0][k] * 5000 / scale + shift * m.colDen[k];
    m.rowNum[k] = numerators[1][k] * 5000 / scale + shift * m.rowDen[k];
  }
  return m;
}

TEST(Rpc, LocalizesWhatItProjectsWhereverTheImageIs) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (const RpcModel& model : {camera(5000, 0), camera(512, -37.3), camera(512, 40)}) {
    for (int i = 0; i < 500; ++i) {
      const double ground[3] = {31 + 0.06 * unit(random), 30 + 0.05 * unit(random), 200 + 800 * unit(random)};
      double pixel[3] = {0, 0, ground[2]}, lonLat[2], again[2];
      rpcProject(model, ground, 1, pixel);
      rpcLocalize(model, pixel, 1, lonLat);
      const double found[3] = {lonLat[0], lonLat[1], ground[2]};
      rpcProject(model, found, 1, again);
      EXPECT_NEAR(again[0], pixel[0], 1e-8);
      EXPECT_NEAR(again[1], pixel[1], 1e-8);
      EXPECT_NEAR(lonLat[0], ground[0], 1e-12);
      EXPECT_NEAR(lonLat[1], ground[1], 1e-12);
    }
  }
}

TEST(Rpc, AZeroDenominatorGivesNaN) {
  RpcModel model = camera(5000, 0);
  for (double& c : model.colDen) c = 0;
  const double ground[3] = {31, 30, 200};
  double pair[2] = {1, 1};
  rpcProject(model, ground, 1, pair);
  EXPECT_TRUE(std::isnan(pair[0]) && std::isnan(pair[1]));
  const double pixel[3] = {500, 700, 200};
  rpcLocalize(model, pixel, 1, pair);
  EXPECT_TRUE(std::isnan(pair[0]) && std::isnan(pair[1]));
}

TEST(Rpc, NaNInIsNaNOutForItsOwnPointOnly) {
  const RpcModel model = camera(5000, 0);
  const double pixels[9] = {500, 700, 200, kNaN, 700, 200, 500, 700, 200};
  double pairs[6];
  rpcLocalize(model, pixels, 3, pairs);
  EXPECT_TRUE(std::isnan(pairs[2]) && std::isnan(pairs[3]));
  EXPECT_EQ(pairs[0], pairs[4]);
  EXPECT_EQ(pairs[1], pairs[5]);
  EXPECT_FALSE(std::isnan(pairs[0]));
  const double ground[3] = {31, 30, kNaN};
  rpcProject(model, ground, 1, pairs);
  EXPECT_TRUE(std::isnan(pairs[0]) && std::isnan(pairs[1]));
}

TEST(Rpc, APixelTheCameraNeverHitsGivesNaN) {
  RpcModel model = camera(5000, 0);
  for (double& c : model.rowNum) c = 0;  // every ground point lies on one row
  const double pixel[3] = {500, 800, 200};
  double pair[2];
  rpcLocalize(model, pixel, 1, pair);
  EXPECT_TRUE(std::isnan(pair[0]) && std::isnan(pair[1]));
}

}  // namespace
}  // namespace altiplano
