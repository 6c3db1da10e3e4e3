// SPDX-License-Identifier: Apache-2.0
#include "sgm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

struct Problem {
  Image<float> image;
  Image<uint8_t> refCensus, secCensus;
  Image<uint16_t> refValidity, secValidity;
  Image<int16_t> low;
  int count, secOffset;
  std::vector<uint16_t> rowCounts;  // empty: count

  SgmInput input() const {
    return {image.view(),       refCensus.view(), refValidity.view(), secCensus.view(),
            secValidity.view(), low.view(),       count,              secOffset, rowCounts};
  }
};

void setCode(Image<uint8_t>& census, int u, int v, uint64_t code) {
  for (int b = 0; b < kCensusBytes; ++b) census.view().at(u, kCensusBytes * v + b) = static_cast<uint8_t>(code >> (8 * b));
}
constexpr uint64_t kAllBits = (uint64_t{1} << (8 * kCensusBytes)) - 1;

// lowSpread: `low` jumps by up to that much from pixel to pixel.
Problem randomProblem(int width, int height, int secWidth, int count, int lowSpread, double missing, uint32_t seed) {
  std::mt19937_64 random(seed);
  const auto chance = [&](double p) { return static_cast<double>(random() >> 11) * 0x1p-53 < p; };
  Problem p{Image<float>(width, height),
            Image<uint8_t>(width, kCensusBytes * height),
            Image<uint8_t>(secWidth, kCensusBytes * height),
            Image<uint16_t>(width, height),
            Image<uint16_t>(secWidth, height),
            Image<int16_t>(width, height),
            count,
            -3,
            {}};
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      p.image.view().at(u, v) = static_cast<float>(random() % 4096);
      setCode(p.refCensus, u, v, random());
      p.refValidity.view().at(u, v) = chance(missing) ? kBorder : 0;
      const int jump = static_cast<int>(random() % static_cast<uint64_t>(2 * lowSpread + 1)) - lowSpread;
      p.low.view().at(u, v) = static_cast<int16_t>(jump - count / 2);
    }
    for (int u = 0; u < secWidth; ++u) {
      setCode(p.secCensus, u, v, random());
      p.secValidity.view().at(u, v) = chance(missing) ? kBorder : 0;
    }
  }
  return p;
}

using SumsOf = void (*)(const SgmInput&, const SgmOptions&, const SumsSink&);
void sgmOnce(const SgmInput& input, const SgmOptions& options, const SumsSink& sink) {
  BigBuffer memory;
  sgm(input, options, memory, sink);
}

// All rows of sums as one array, each from where it would start if all had `count` candidates; (u, k) with k padded. Checks that
// each row comes once, the last first.
std::vector<uint16_t> volumeOf(SumsOf function, const SgmInput& input, const SgmOptions& options) {
  const size_t row = static_cast<size_t>(input.width()) * static_cast<size_t>(sgmStride(input.count));
  std::vector<uint16_t> volume(row * static_cast<size_t>(input.height()));
  int next = input.height();
  function(input, options, [&](int v, const uint16_t* sums) {
    EXPECT_EQ(v, --next);
    const size_t ofRow = static_cast<size_t>(input.width()) * static_cast<size_t>(sgmStride(input.countOf(v)));
    std::copy_n(sums, ofRow, volume.begin() + static_cast<ptrdiff_t>(row) * v);
  });
  EXPECT_EQ(next, 0);
  return volume;
}

void expectTwin(const Problem& p, const SgmOptions& options) {
  const SgmInput input = p.input();
  const std::vector<uint16_t> expected = volumeOf(sgmReference, input, options);
  onEveryTarget([&] {
    const std::vector<uint16_t> got = volumeOf(sgmOnce, input, options);
    for (int v = 0; v < input.height(); ++v) {
      size_t i = static_cast<size_t>(v) * static_cast<size_t>(input.width()) * static_cast<size_t>(sgmStride(p.count));
      const RowExtent extent = extentOf(input.refValidity, v);
      for (int u = 0; u < input.width(); ++u) {
        for (int k = 0; k < sgmStride(input.countOf(v)); ++k, ++i) {
          if (!extent.holds(u)) continue;
          ASSERT_EQ(got[i], expected[i]) << "u " << u << " v " << v << " k " << k;
        }
      }
    }
  });
}

TEST(Sgm, EqualsItsTwinOnEveryTargetAndOddSizes) {
  const int sizes[][4] = {{1, 1, 1, 1}, {1, 1, 5, 3}, {2, 1, 9, 33}, {1, 7, 40, 64}, {19, 11, 23, 1}, {23, 9, 31, 31},
                          {17, 13, 60, 32}, {31, 5, 31, 65}, {13, 6, 200, 130}, {33, 17, 33, 96}};
  for (const auto& [width, height, secWidth, count] : sizes) {
    SCOPED_TRACE(::testing::Message() << width << "x" << height << " sec " << secWidth << " count " << count);
    expectTwin(randomProblem(width, height, secWidth, count, 0, 0, 1), {});
  }
}

TEST(Sgm, EqualsItsTwinWhereNeighboursHaveOtherRanges) {
  for (const int spread : {1, 5, 40, 61, 64, 100, 300}) {
    for (const int count : {1, 7, 33, 64}) {
      SCOPED_TRACE(::testing::Message() << "spread " << spread << " count " << count);
      expectTwin(randomProblem(21, 9, 77, count, spread, 0.05, 2), {});
    }
  }
}

TEST(Sgm, EqualsItsTwinWhereRowsHaveOtherCounts) {
  for (const int count : {2, 33, 64, 80, 150, 256}) {
    for (const int spread : {0, 3, 40, 100}) {
      SCOPED_TRACE(::testing::Message() << "spread " << spread << " count " << count);
      Problem p = randomProblem(21, 40, 120, count, spread, 0.05, 12);
      std::mt19937 random(13);
      // As searchRange gives them, whole vectors for some rows, and any.
      for (int v = 0; v < 40; ++v) {
        const int any = static_cast<int>(random() % static_cast<uint32_t>(count)) + 1;
        const int last = p.rowCounts.empty() ? count : p.rowCounts.back();
        p.rowCounts.push_back(static_cast<uint16_t>(v < 25 ? (v % 4 == 0 ? std::min(count, sgmStride(any)) : last) : any));
      }
      expectTwin(p, {});
    }
  }
}

TEST(Sgm, OfRowsThatAllHaveTheSameCountIsThatOfTheCount) {
  Problem p = randomProblem(21, 9, 77, 50, 3, 0.05, 14);
  const auto expected = volumeOf(sgmOnce, p.input(), {});
  p.rowCounts.assign(9, 50);
  EXPECT_EQ(volumeOf(sgmOnce, p.input(), {}), expected);
}

TEST(Sgm, EqualsItsTwinWithPenaltiesThatFollowTheImage) {
  SgmOptions options;
  for (const float gradient : {0.0f, 1.0f, 50.0f}) {
    options.p2Gradient = gradient;
    expectTwin(randomProblem(21, 9, 77, 40, 2, 0.05, 3), options);
  }
}

TEST(Sgm, NeverSaturatesAtTheLargestPenalties) {
  // Hostile costs: each pixel's candidates are all perfect or all opposite or missing, ranges that don't overlap
  // their neighbour's, and the largest P2. The wide twin would differ as soon as one 8-bit sum had been clipped.
  Problem p = randomProblem(40, 12, 90, 20, 60, 0.3, 4);
  std::mt19937 random(5);
  for (int v = 0; v < 12; ++v) {
    for (int u = 0; u < 40; ++u) setCode(p.refCensus, u, v, random() % 2 ? kAllBits : 0);
    for (int u = 0; u < 90; ++u) setCode(p.secCensus, u, v, 0);
  }
  SgmOptions options;
  options.p1 = options.p2 = kMaxP2;
  options.p2Gradient = 0;
  expectTwin(p, options);
  options.p1 = 1;
  expectTwin(p, options);
}

TEST(Sgm, StrikesOutEveryCandidateOfARangeOutsideTheSecondary) {
  Problem p = randomProblem(9, 5, 9, 10, 0, 0, 6);
  for (int v = 0; v < 5; ++v) {
    for (int u = 0; u < 9; ++u) p.low.view().at(u, v) = u % 2 ? 20000 : -20000;
  }
  expectTwin(p, {});
  for (const uint16_t sum : volumeOf(sgmOnce, p.input(), {})) EXPECT_EQ(sum, kNoCandidate);
}

// The usable pixels of a turned tile: each row has an extent of its own, some rows have none.
TEST(Sgm, EqualsItsTwinWhereRowsHaveOtherExtents) {
  for (const int spread : {0, 3}) {
    Problem p = randomProblem(40, 50, 70, 33, spread, 0.1, 9);
    std::mt19937 random(10);
    for (int v = 0; v < 50; ++v) {
      const int first = std::abs(v - 20) / 2 + static_cast<int>(random() % 5), last = 40 - std::abs(v - 30) - static_cast<int>(random() % 5);
      for (int u = 0; u < 40; ++u) {
        if (u < first || u > last || v % 17 == 5) p.refValidity.view().at(u, v) = kBorder;
      }
    }
    expectTwin(p, {});
  }
}

TEST(Sgm, DoesNotSeeWhatLiesOutsideOfTheExtents) {
  Problem p = randomProblem(30, 20, 60, 20, 2, 0, 11);
  for (int v = 0; v < 20; ++v) {
    for (int u = 0; u < 30; ++u) p.refValidity.view().at(u, v) = u < 5 || u >= 25 ? kBorder : 0;
  }
  const auto sums = volumeOf(sgmOnce, p.input(), {});
  for (int v = 0; v < 20; ++v) {
    for (int u = 0; u < 30; ++u) {
      if (u >= 5 && u < 25) continue;
      p.image.view().at(u, v) = 1;
      p.low.view().at(u, v) = static_cast<int16_t>(u - v);
      setCode(p.refCensus, u, v, kAllBits);
    }
  }
  const auto again = volumeOf(sgmOnce, p.input(), {});
  const ptrdiff_t stride = sgmStride(20);
  for (int v = 0; v < 20; ++v) {
    const auto row = (static_cast<ptrdiff_t>(v) * 30 + 5) * stride;
    EXPECT_TRUE(std::equal(sums.begin() + row, sums.begin() + row + 20 * stride, again.begin() + row)) << v;
  }
}

TEST(Sgm, EqualsItsTwinWhereOnlyTheEndsOfRowsCanBeUsed) {
  Problem p = randomProblem(9, 5, 30, 10, 0, 1, 7);
  for (int v = 0; v < 5; ++v) p.refValidity.view().at(0, v) = p.refValidity.view().at(8, v) = 0;
  expectTwin(p, {});
}

// One row of three pixels, two candidates, costs (0 5) (5 0) (0 5), P1 = 2:
//   rightwards   (0 5) (5 2) (2 5)   leftwards (2 5) (5 2) (0 5)   the six other paths: C each
TEST(Sgm, SumsTheDrawnCase) {
  Problem p = randomProblem(3, 1, 8, 2, 0, 0, 8);
  p.secOffset = 0;
  // Reference u has candidates at columns u and u + 1.
  for (int u = 0; u < 3; ++u) {
    p.low.view().at(u, 0) = 0;
    setCode(p.refCensus, u, 0, 0);
  }
  for (int x = 0; x < 4; ++x) setCode(p.secCensus, x, 0, x % 2 == 0 ? 0 : 0b11111);
  SgmOptions options;
  options.p1 = 2;
  options.p2Gradient = 0;
  expectTwin(p, options);
  const std::vector<uint16_t> sums = volumeOf(sgmOnce, p.input(), options);
  const uint16_t expected[3][2] = {{2, 40}, {40, 4}, {2, 40}};
  for (int u = 0; u < 3; ++u) {
    for (int k = 0; k < 2; ++k) EXPECT_EQ(sums[static_cast<size_t>(u * sgmStride(2) + k)], expected[u][k]) << u << ' ' << k;
  }
}

}  // namespace
}  // namespace altiplano
