// SPDX-License-Identifier: Apache-2.0
#include "search_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lowest_disparity.h"
#include "prior_ranges.h"
#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// u = 2 E - 0.4 h, v = -2 N, d = 0.5 h: pixels of 0.5 m, the reference looks obliquely along u.
Poly3 obliqueRectFromGround() {
  Poly3 poly{{100, -100, 0}, {150, 150, 1}, {200, 200, 0}, {}};
  poly.coefficients[0][1] = 2 * 150;
  poly.coefficients[0][3] = -0.4;
  poly.coefficients[1][2] = -2 * 150;
  poly.coefficients[2][3] = 0.5;
  return poly;
}

// A prior of 4 m cells over E 0..200, N -200..0 (corner at (-40, 40), so that it reaches around the block).
struct Prior {
  static constexpr int kCells = 70;
  std::vector<float> low = std::vector<float>(kCells * kCells), high = low;
  Prior(float lowM, float highM) {
    std::fill(low.begin(), low.end(), lowM);
    std::fill(high.begin(), high.end(), highM);
  }
  float& lowAt(int i, int j) { return low[j * kCells + i]; }
  float& highAt(int i, int j) { return high[j * kCells + i]; }
  HeightPrior view() {
    return {denseView<const float>(low.data(), kCells, kCells), denseView<const float>(high.data(), kCells, kCells),
            -40, 40, 4};
  }
};

constexpr SearchRangeOptions kOptions{256, 2, 0.5};

SearchCount run(Prior& prior, Image<int16_t>& low, const SearchRangeOptions& options = kOptions) {
  std::vector<uint16_t> rowCounts(static_cast<size_t>(low.height()));
  return searchRange(obliqueRectFromGround(), prior.view(), 0, 0, options, low.view(), rowCounts);
}

void expectHolds(const Image<int16_t>& low, int count, int x, int y, double from, double to) {
  EXPECT_LE(low.view().at(x, y), from) << x << " " << y;
  EXPECT_GE(low.view().at(x, y) + count - 1, to) << x << " " << y;
}

TEST(SearchRange, OfAPlainIsTheSmallestThatHoldsItEverywhere) {
  Prior prior(100, 120);  // d 50..60, with slack 48..62: 15 disparities
  Image<int16_t> low(301, 157);
  const SearchCount count = run(prior, low);
  EXPECT_EQ(count.count, 16);
  EXPECT_EQ(count.wanted, 16);
  for (int y = 0; y < 157; ++y) {
    for (int x = 0; x < 301; ++x) expectHolds(low, 16, x, y, 48, 62);
  }
}

// Every point of every prior cell, at its lowest and its highest, is in range at the pixel that sees it.
TEST(SearchRange, FollowsTheTerrainSoThatEveryPriorPointIsInRange) {
  Prior prior(0, 0);
  for (int j = 0; j < Prior::kCells; ++j) {
    for (int i = 0; i < Prior::kCells; ++i) {
      const float middle = 3.0f * i + 40 * std::sin(0.2f * j);
      prior.lowAt(i, j) = middle - 4;
      prior.highAt(i, j) = middle + 4;
    }
  }
  Image<int16_t> low(300, 300);
  const SearchCount count = run(prior, low);
  EXPECT_EQ(count.count, count.wanted);
  EXPECT_LE(count.count, 64);  // the whole relief would need 150
  int seen = 0;
  for (int j = 0; j < Prior::kCells; ++j) {
    for (int i = 0; i < Prior::kCells; ++i) {
      for (const double h : {prior.lowAt(i, j), prior.highAt(i, j)}) {
        for (const double corner : {0.05, 0.5, 0.95}) {
          const double e = -40 + 4 * (i + corner), n = 40 - 4 * (j + 1 - corner);
          const int x = static_cast<int>(std::lround(2 * e - 0.4 * h)), y = static_cast<int>(std::lround(-2 * n));
          if (x < 0 || y < 0 || x >= 300 || y >= 300) continue;
          expectHolds(low, count.count, x, y, 0.5 * h - 2, 0.5 * h + 2);
          ++seen;
        }
      }
    }
  }
  EXPECT_GT(seen, 9000);
}

TEST(SearchRange, AHoleAndATowersShadowTakeTheRangesAroundThem) {
  Prior prior(10, 12);
  for (int j = 30; j < 45; ++j) {
    for (int i = 30; i < 45; ++i) prior.lowAt(i, j) = kNaN;
  }
  prior.lowAt(20, 20) = 10;
  prior.highAt(20, 20) = 60;
  Image<int16_t> low(300, 300);
  const SearchCount count = run(prior, low);
  EXPECT_EQ(count.count, 32);  // the tower: d 5..30 and slack
  for (int y = 0; y < 300; ++y) {
    for (int x = 0; x < 300; ++x) expectHolds(low, count.count, x, y, 3, 8);
  }
  // The tower's foot at E 42, N -42 and its top, which is seen 0.4 px per metre to the left.
  expectHolds(low, count.count, 80, 84, 3, 8);
  expectHolds(low, count.count, 60, 84, 28, 32);
}

// Each row searches what its own widest place asks for: the tower's rows 32, all others 16, padded to 32 for the matcher where
// a yet higher tower makes 64 the most.
TEST(SearchRange, CountsTheCandidatesOfEachRow) {
  Prior prior(10, 12);
  prior.highAt(20, 20) = 120;  // d 5..60 and slack: 64
  prior.highAt(60, 45) = 60;   // d 5..30 and slack: 32
  Image<int16_t> low(300, 300);
  std::vector<uint16_t> rowCounts(300);
  const SearchCount count = searchRange(obliqueRectFromGround(), prior.view(), 0, 0, kOptions, low.view(), rowCounts);
  EXPECT_EQ(count.count, 64);
  EXPECT_EQ(rowCounts[84], 64);  // N -42
  EXPECT_EQ(rowCounts[184], 32);
  EXPECT_EQ(rowCounts[5], 32);
  for (int y = 0; y < 300; ++y) {
    for (int x = 0; x < 300; ++x) expectHolds(low, rowCounts[static_cast<size_t>(y)], x, y, 3, 8);
  }
  expectHolds(low, 64, 80 - 48, 84, 58, 62);
}

TEST(SearchRange, KeepsTheMiddleWhereItMayNotBeAsWideAsWanted) {
  Prior prior(0, 200);  // d 0..100, with slack -2..102
  Image<int16_t> low(64, 64);
  const SearchCount count = run(prior, low, {50, 2, 0.5});
  EXPECT_EQ(count.count, 48);
  EXPECT_EQ(count.wanted, 112);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) EXPECT_NEAR(low.view().at(x, y) + 23.5, 50, 1);
  }
}

// A cubic term turns ground 600 m east back into the block; only ground near the fitted 300 m counts.
TEST(SearchRange, GroundTheTilesPolynomialWasNotFittedToDoesNotCount) {
  Prior prior(100, 104);
  for (int j = 0; j < Prior::kCells; ++j) prior.lowAt(Prior::kCells - 1, j) = 0;
  HeightPrior heights = prior.view();
  heights.resolution = 10;  // E -40..660
  Poly3 folding = obliqueRectFromGround();
  folding.coefficients[0][10] = -300.0 / 12;
  Image<int16_t> low(301, 157);
  std::vector<uint16_t> rowCounts(157);
  EXPECT_EQ(searchRange(folding, heights, 0, 0, kOptions, low.view(), rowCounts).wanted, 16);
}

// Blocks of ranges that fit into the count and of ranges that don't, some beyond what 16 bits hold.
TEST(LowestDisparity, EqualsItsTwinOnEveryTarget) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> low(-60, 60), width(0, 40);
  for (const auto& [w, h] : {std::pair(1, 1), {7, 40}, {131, 65}, {64, 9}}) {
    for (const int side : {8, 13, 64}) {
      RangeBlocks blocks{side, (w + side - 1) / side, (h + side - 1) / side, {}};
      blocks.ranges.resize(static_cast<size_t>(blocks.width) * blocks.height);
      for (DisparityRange& range : blocks.ranges) {
        range.low = random() % 20 == 0 ? 1000 * low(random) : low(random);
        range.high = range.low + width(random);
      }
      Image<int16_t> slow(w, h);
      std::vector<int> counts;
      for (int y = 0; y < blocks.height; ++y) counts.push_back(random() % 3 == 0 ? 16 : 32);
      lowestDisparitiesReference(blocks, counts, slow.view());
      onEveryTarget([&] {
        Image<int16_t> fast(w, h);
        lowestDisparities(blocks, counts, fast.view());
        for (int y = 0; y < h; ++y) {
          for (int x = 0; x < w; ++x) ASSERT_EQ(fast.view().at(x, y), slow.view().at(x, y)) << x << " " << y;
        }
      });
    }
  }
}

// Cells of one piece and of many, with holes, upside down, and outside of the blocks and of the ground the polynomial was fitted to.
TEST(PriorRanges, EqualTheirTwinOnEveryTarget) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> low(-80, 80), width(-2, 300);
  for (const auto& [blocksWide, blocksHigh] : {std::pair(1, 1), {31, 12}, {40, 40}}) {
    for (const int side : {8, 13, 64}) {
      Prior prior(kNaN, kNaN);
      for (size_t cell = 0; cell < prior.low.size(); ++cell) {
        if (random() % 9 == 0) continue;
        prior.low[cell] = low(random);
        prior.high[cell] = prior.low[cell] + (random() % 3 == 0 ? width(random) : 3);
        if (random() % 99 == 0) prior.high[cell] = std::numeric_limits<float>::infinity();
      }
      const auto make = [&] {
        RangeBlocks blocks{side, blocksWide, blocksHigh, {}};
        blocks.ranges.resize(static_cast<size_t>(blocksWide * blocksHigh));
        return blocks;
      };
      Poly3 poly = obliqueRectFromGround();
      poly.scale[0] = 150, poly.scale[1] = 130, poly.coefficients[1][8] = 0.3, poly.coefficients[2][14] = 0.01;
      RangeBlocks slow = make();
      includePriorReference(poly, prior.view(), {-7, 20, 0.5}, slow);
      onEveryTarget([&] {
        RangeBlocks fast = make();
        includePrior(poly, prior.view(), {-7, 20, 0.5}, fast);
        for (size_t block = 0; block < slow.ranges.size(); ++block) {
          ASSERT_EQ(fast.ranges[block].low, slow.ranges[block].low) << block;
          ASSERT_EQ(fast.ranges[block].high, slow.ranges[block].high) << block;
        }
      });
    }
  }
}

TEST(SearchRange, SaysSoWhenThePriorKnowsNothing) {
  Prior nothing(kNaN, kNaN), inverted(2, 1), elsewhere(10, 20);
  Image<int16_t> low(50, 40);
  EXPECT_EQ(run(nothing, low).wanted, 0);
  EXPECT_EQ(run(inverted, low).wanted, 0);
  std::vector<uint16_t> rowCounts(40);
  EXPECT_EQ(searchRange(obliqueRectFromGround(), elsewhere.view(), 5000, 5000, kOptions, low.view(), rowCounts).wanted, 0);
}

}  // namespace
}  // namespace altiplano
