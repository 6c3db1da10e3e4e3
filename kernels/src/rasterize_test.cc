// SPDX-License-Identifier: Apache-2.0
#include "rasterize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Cloud {
  std::vector<float> east, north, up, weight;
  void add(double e, double n, double h, double w = 1) {
    east.push_back(static_cast<float>(e));
    north.push_back(static_cast<float>(n));
    up.push_back(static_cast<float>(h));
    weight.push_back(static_cast<float>(w));
  }
  PointArrays arrays() const { return {east.data(), north.data(), up.data(), weight.data(), east.size()}; }
};

struct Dsm {
  Image<float> height, weight, spread;
  Image<uint16_t> count;
  Dsm(int w, int h) : height(w, h), weight(w, h), spread(w, h), count(w, h) {}
  DsmViews views() { return {height.view(), weight.view(), spread.view(), count.view()}; }
  float at(int x, int y) { return height.view().at(x, y); }
};

// The grid's corner is (0, 0); cells of 0.5 m; north is negative inside.
constexpr GridPlace kPlace{0, 0, 0.5};

// One point per pixel of a jittered, turned lattice about as dense as the cells, of a surface height(e, n).
Cloud lattice(int cells, double spacing, const std::function<double(double, double)>& height, double noise = 0) {
  Cloud cloud;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> jitter(-0.15, 0.15);
  std::normal_distribution<double> gauss(0, 1);
  const double side = cells * 0.5, cos = std::cos(0.2), sin = std::sin(0.2);
  for (double a = -side; a < 2 * side; a += spacing) {
    for (double b = -side; b < 2 * side; b += spacing) {
      const double e = cos * a - sin * b + spacing * jitter(random),
                   n = -(sin * a + cos * b) + spacing * jitter(random);
      if (e < -1 || n > 1 || e > side + 1 || n < -side - 1) continue;
      cloud.add(e, n, height(e, n) + noise * gauss(random));
    }
  }
  return cloud;
}

TEST(Rasterize, RecoversPlanesUpToSixtyDegreesWithoutBias) {
  for (const double slope : {0.0, 0.3, 1.0, 1.7}) {
    for (const double turn : {0.0, 0.7, 2.0}) {
      const auto plane = [&](double e, double n) { return 2000 + slope * (std::cos(turn) * e + std::sin(turn) * n); };
      const Cloud cloud = lattice(64, 0.53, plane);
      Dsm dsm(64, 64);
      rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
      double sum = 0, worst = 0;
      for (int y = 0; y < 64; ++y) {
        for (int x = 0; x < 64; ++x) {
          const double error = dsm.at(x, y) - plane(0.5 * (x + 0.5), -0.5 * (y + 0.5));
          ASSERT_FALSE(std::isnan(error));
          sum += error;
          worst = std::max(worst, std::abs(error));
        }
      }
      EXPECT_LT(std::abs(sum / 4096), 0.003 * slope + 1e-3) << slope;
      EXPECT_LT(worst, 0.11 * slope + 1e-3) << slope;
    }
  }
}

TEST(Rasterize, KeepsEveryPointOfASlopeOfFortyFiveDegrees) {
  const Cloud cloud = lattice(32, 0.5, [](double e, double) { return e; });
  Dsm slope(32, 32), flat(32, 32);
  rasterizeDsm(cloud.arrays(), kPlace, {}, slope.views());
  Cloud level = cloud;
  std::fill(level.up.begin(), level.up.end(), 0.0f);
  rasterizeDsm(level.arrays(), kPlace, {}, flat.views());
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) EXPECT_EQ(slope.count.view().at(x, y), flat.count.view().at(x, y));
  }
}

//  ground 0 | roof 8   The wall stands anywhere within a cell: what comes out is ground or roof.
TEST(Rasterize, AVerticalStepComesOutAsRoofOrGroundNeverInBetween) {
  for (const double wall : {8.0, 8.1, 8.25, 8.4}) {
    const auto step = [&](double e, double) { return e < wall ? 0.0 : 8.0; };
    const Cloud cloud = lattice(32, 0.5, step, 0.1);
    Dsm dsm(32, 32);
    rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        const double centre = 0.5 * (x + 0.5), height = dsm.at(x, y);
        EXPECT_TRUE(std::abs(height) < 0.6 || std::abs(height - 8) < 0.6) << height;
        EXPECT_LT(dsm.spread.view().at(x, y), 0.4);
        // The nearer surface wins; only a cell the wall runs close to may go either way.
        if (std::abs(centre - wall) > 0.3) {
          EXPECT_NEAR(height, step(centre, 0), 0.6) << centre;
        }
      }
    }
  }
}

// Points climb a wall in steps smaller than stepM: the group ends after 2 stepM, so ground stays ground.
TEST(Rasterize, PointsOnAWallDoNotPullTheGroundUp) {
  Cloud cloud;
  for (int i = 0; i < 9; ++i) cloud.add(0.6 + 0.1 * (i % 3), -0.6 - 0.1 * (i / 3), 0);
  for (int i = 1; i <= 10; ++i) cloud.add(1.02, -0.75, i);
  Dsm dsm(4, 4);
  rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
  EXPECT_LT(dsm.at(1, 1), 0.4);
}

TEST(Rasterize, AnOutlierIsOutvoted) {
  Cloud cloud = lattice(8, 0.5, [](double, double) { return 100.0; });
  cloud.add(2.3, -2.2, 140, 0.9);
  Dsm dsm(8, 8);
  rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) EXPECT_NEAR(dsm.at(x, y), 100, 1e-3);
  }
}

TEST(Rasterize, FillsNoFurtherThanTheRadius) {
  for (const int radius : {0, 1, 2}) {
    Cloud cloud;
    cloud.add(2.7, -2.6, 5);  // cell (5, 5)
    Dsm dsm(11, 11);
    rasterizeDsm(cloud.arrays(), kPlace, {0.5, radius, 1.5}, dsm.views());
    for (int y = 0; y < 11; ++y) {
      for (int x = 0; x < 11; ++x) {
        const bool near = std::abs(x - 5) <= radius && std::abs(y - 5) <= radius;
        EXPECT_EQ(!near, std::isnan(dsm.at(x, y)));
        EXPECT_EQ(near ? 1 : 0, dsm.count.view().at(x, y));
        EXPECT_EQ(near, dsm.weight.view().at(x, y) > 0);
        if (near) {
          EXPECT_EQ(5, dsm.at(x, y));
        }
      }
    }
  }
}

TEST(Rasterize, WeighsByConfidenceAndDistance) {
  Cloud cloud;  // both 0.1 m from the centre of cell (0, 0)
  cloud.add(0.15, -0.25, 10, 3);
  cloud.add(0.35, -0.25, 11, 1);
  Dsm dsm(1, 1);
  rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
  // exp(-(0.1 / 0.5)^2 / (2 * 0.5^2)), twice
  EXPECT_NEAR(dsm.weight.view().at(0, 0), 4 * std::exp(-0.08), 4e-3);
  // Mean 10.25, at x = -0.1 cells: the plane, damped by the ridge (0.02 beside a variance of 0.03), lifts it by
  // 0.1 * (0.075 / (0.03 + 0.02)).
  EXPECT_NEAR(dsm.at(0, 0), 10.25 + 0.1 * 0.075 / 0.05, 2e-3);
}

TEST(Rasterize, LeavesOutPointsWithoutValueOrWeightOrFarAway) {
  Cloud cloud;
  cloud.add(kNaN, -0.2, 1);
  cloud.add(0.2, kNaN, 1);
  cloud.add(0.2, -0.2, kNaN);
  cloud.add(0.2, -0.2, 1, 0);
  cloud.add(0.2, -0.2, 1, kNaN);
  cloud.add(1e30, -1e30, 1);
  cloud.add(-1e30, 1e30, 1);
  Dsm dsm(2, 2);
  rasterizeDsm(cloud.arrays(), kPlace, {}, dsm.views());
  EXPECT_TRUE(std::isnan(dsm.at(0, 0)));
  rasterizeDsm(Cloud{}.arrays(), kPlace, {}, dsm.views());
  EXPECT_TRUE(std::isnan(dsm.at(1, 1)));
}

template <typename T>
bool sameBits(Image<T>& a, Image<T>& b) {
  for (int y = 0; y < a.height(); ++y) {
    if (std::memcmp(a.view().row(y), b.view().row(y), static_cast<size_t>(a.width()) * sizeof(T)) != 0) return false;
  }
  return true;
}

void expectTwins(const Cloud& cloud, int width, int height, const GridPlace& place, const RasterizeOptions& options) {
  Dsm slow(width, height);
  rasterizeDsmReference(cloud.arrays(), place, options, slow.views());
  onEveryTarget([&] {
    Dsm fast(width, height);
    rasterizeDsm(cloud.arrays(), place, options, fast.views());
    EXPECT_TRUE(sameBits(fast.height, slow.height) && sameBits(fast.weight, slow.weight));
    EXPECT_TRUE(sameBits(fast.spread, slow.spread) && sameBits(fast.count, slow.count));
  });
}

// Random points, some without value: from one in many cells to a hundred in one, on one surface and on several.
Cloud randomCloud(int n, double sideM, double reliefM, uint32_t seed) {
  Cloud cloud;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> place(-1, sideM + 1), unit(0, 1);
  for (int i = 0; i < n; ++i) {
    cloud.add(random() % 50 == 0 ? kNaN : place(random), -place(random), 3900 + reliefM * unit(random) * unit(random),
              random() % 30 == 0 ? 0 : unit(random));
  }
  return cloud;
}

TEST(Rasterize, EqualsItsTwinOnEveryTarget) {
  for (const auto& [width, height] : {std::pair(1, 1), {37, 19}, {64, 33}, {131, 5}}) {
    for (const int radius : {0, 1, 2}) {
      for (const int perCell : {1, 4}) {
        const Cloud cloud = randomCloud(perCell * 130 * 130 / 3, 65, perCell == 1 ? 8 : 2, 3u * radius + perCell);
        expectTwins(cloud, width, height, kPlace, {0.5, radius, 1.5});
        expectTwins(cloud, width, height, {-3.125, 1.75, 0.7}, {0.8, radius, 0.4});
      }
    }
  }
}

// Points of two flat levels, several of one height, or of one height and one weight, in a cell.
TEST(Rasterize, EqualsItsTwinWherePointsAreLevel) {
  Cloud cloud;
  std::mt19937 random(11);
  std::uniform_real_distribution<double> place(-1, 66), unit(0, 1);
  for (int i = 0; i < 12000; ++i) {
    const double x = std::floor(8 * place(random)) / 8, y = std::floor(8 * place(random)) / 8;
    cloud.add(x, -y, random() % 3 == 0 ? 3904 : 3900, i % 2 == 0 ? 0.25 : unit(random));
  }
  expectTwins(cloud, 131, 37, kPlace, {0.5, 1, 1.5});
}

TEST(Rasterize, EqualsItsTwinWhereCellsAreCrowded) {
  expectTwins(randomCloud(4000, 20, 5, 1), 7, 5, {0, 0, 4}, {0.5, 1, 1.5});
  Cloud heap = randomCloud(3000, 20, 0, 2);
  for (int i = 0; i < 2000; ++i) heap.add(5.1, -5.1, 3900 + 0.01 * i);
  expectTwins(heap, 41, 40, kPlace, {});
}

// A cell's value comes from the points around it only: not from what the grid is or where its corner lies.
TEST(Rasterize, ACellIsTheSameInEveryGridThatHoldsIt) {
  const Cloud cloud = lattice(32, 0.5, [](double e, double n) { return 0.4 * e + std::sin(n); }, 0.2);
  Dsm whole(32, 32), part(12, 9);
  rasterizeDsm(cloud.arrays(), kPlace, {}, whole.views());
  rasterizeDsm(cloud.arrays(), {-4.0, -6.0, 0.5}, {}, part.views());  // its corner is cell (8, 12)
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 12; ++x) EXPECT_NEAR(part.at(x, y), whole.at(x + 8, y + 12), 2e-5);
  }
}

TEST(CellsWithPoints, CountsTheCellsOfEveryRowThatHoldSome) {
  Image<uint16_t> count(19, 3);
  for (int row = 0; row < 3; ++row) std::fill_n(count.view().row(row), 19, uint16_t{0});
  EXPECT_EQ(cellsWithPoints(count.view()), 0U);
  count.view().at(0, 0) = 1;
  count.view().at(18, 1) = 65535;
  count.view().at(7, 2) = 3;
  EXPECT_EQ(cellsWithPoints(count.view()), 3U);
}

}  // namespace
}  // namespace altiplano
