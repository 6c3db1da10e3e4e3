// SPDX-License-Identifier: Apache-2.0
#include "convex_hull.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace altiplano {

bool operator==(const PlanePoint& a, const PlanePoint& b) { return a.x == b.x && a.y == b.y; }

namespace {

using Points = std::vector<PlanePoint>;

TEST(ConvexHull, OfASquareAndWhatLiesInItIsTheSquareCounterClockwise) {
  EXPECT_EQ(convexHull({{10, 10}, {5, 5}, {0, 0}, {10, 0}, {3, 9}, {0, 10}, {5, 0}}), (Points{{0, 0}, {10, 0}, {10, 10}, {0, 10}}));
}

TEST(ConvexHull, TurnsLeftAtEveryCornerAndLeavesNoPointOutside) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> place(-20, 20);  // whole numbers: equal points, and points on one line
  for (int run = 0; run < 200; ++run) {
    Points points(3 + run);
    for (PlanePoint& p : points) p = {static_cast<double>(place(random)), static_cast<double>(place(random))};
    const Points hull = convexHull(points);
    for (size_t i = 0; i < hull.size(); ++i) {
      const PlanePoint a = hull[i], b = hull[(i + 1) % hull.size()], c = hull[(i + 2) % hull.size()];
      const auto turn = [&](const PlanePoint& p) { return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x); };
      if (hull.size() > 2) EXPECT_GT(turn(c), 0);
      for (const PlanePoint& p : points) EXPECT_GE(turn(p), 0);
    }
  }
}

TEST(ConvexHull, OfALineIsItsEnds) { EXPECT_EQ(convexHull({{2, 2}, {0, 0}, {1, 1}, {3, 3}}), (Points{{0, 0}, {3, 3}})); }

TEST(ConvexHull, LeavesOutWhatIsNotFinite) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(convexHull({{kNan, 0}, {0, 0}, {kInf, 5}, {1, 0}, {0, -kInf}, {0, 1}}), (Points{{0, 0}, {1, 0}, {0, 1}}));
  EXPECT_TRUE(convexHull({{kNan, kNan}}).empty());
}

TEST(ConvexHull, OfOnePointOrNoneIsEmpty) {
  EXPECT_TRUE(convexHull({}).empty());
  EXPECT_TRUE(convexHull({{4, 2}}).empty());
}

}  // namespace
}  // namespace altiplano
