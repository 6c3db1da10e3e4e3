// SPDX-License-Identifier: Apache-2.0
#include "sgm.h"

#include <gtest/gtest.h>

#include <random>

#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

struct Problem {
  Image<float> image;
  Image<uint64_t> refCensus, secCensus;
  Image<uint16_t> refValidity, secValidity;
  Image<int16_t> low;
  int count, secOffset;

  SgmInput input() const {
    return {image.view(),       refCensus.view(), refValidity.view(), secCensus.view(),
            secValidity.view(), low.view(),       count,              secOffset};
  }
};

// lowSpread: `low` jumps by up to that much from pixel to pixel.
Problem randomProblem(int width, int height, int secWidth, int count, int lowSpread, double missing, uint32_t seed) {
  std::mt19937_64 random(seed);
  const auto chance = [&](double p) { return static_cast<double>(random() >> 11) * 0x1p-53 < p; };
  Problem p{Image<float>(width, height),    Image<uint64_t>(width, height),    Image<uint64_t>(secWidth, height),
            Image<uint16_t>(width, height), Image<uint16_t>(secWidth, height), Image<int16_t>(width, height),
            count,                          -3};
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      p.image.view().at(u, v) = static_cast<float>(random() % 4096);
      p.refCensus.view().at(u, v) = random() >> 2;
      p.refValidity.view().at(u, v) = chance(missing) ? kBorder : 0;
      const int jump = static_cast<int>(random() % static_cast<uint64_t>(2 * lowSpread + 1)) - lowSpread;
      p.low.view().at(u, v) = static_cast<int16_t>(jump - count / 2);
    }
    for (int u = 0; u < secWidth; ++u) {
      p.secCensus.view().at(u, v) = random() >> 2;
      p.secValidity.view().at(u, v) = chance(missing) ? kBorder : 0;
    }
  }
  return p;
}

void expectTwin(const Problem& p, const SgmOptions& options) {
  const SgmInput input = p.input();
  CostVolume expected(input.low.width, input.low.height, p.count);
  sgmReference(input, options, expected);
  onEveryTarget([&] {
    CostVolume got(input.low.width, input.low.height, p.count);
    sgm(input, options, got);
    for (int v = 0; v < got.height(); ++v) {
      for (int u = 0; u < got.width(); ++u) {
        for (int k = 0; k < got.stride(); ++k) {
          ASSERT_EQ(got.at(u, v)[k], expected.at(u, v)[k]) << "u " << u << " v " << v << " k " << k;
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
    for (int u = 0; u < 40; ++u) p.refCensus.view().at(u, v) = random() % 2 ? (uint64_t{1} << 62) - 1 : 0;
    for (int u = 0; u < 90; ++u) p.secCensus.view().at(u, v) = 0;
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
  CostVolume volume(9, 5, 10);
  sgm(p.input(), {}, volume);
  for (int k = 0; k < volume.stride(); ++k) EXPECT_EQ(volume.at(4, 2)[k], kNoCandidate);
}

TEST(Sgm, GivesEqualSumsWhereNothingCanBeUsed) {
  const Problem p = randomProblem(9, 5, 30, 10, 0, 1, 7);
  expectTwin(p, {});
}

// One row of three pixels, two candidates, costs (0 5) (5 0) (0 5), P1 = 2:
//   rightwards   (0 5) (5 2) (2 5)   leftwards (2 5) (5 2) (0 5)   the six other paths: C each
TEST(Sgm, SumsTheDrawnCase) {
  Problem p = randomProblem(3, 1, 8, 2, 0, 0, 8);
  p.secOffset = 0;
  const uint64_t five = 0b11111;
  // Reference u has candidates at columns 2u and 2u + 1.
  for (int u = 0; u < 3; ++u) {
    p.low.view().at(u, 0) = static_cast<int16_t>(u);
    p.refCensus.view().at(u, 0) = 0;
    p.secCensus.view().at(2 * u, 0) = u == 1 ? five : 0;
    p.secCensus.view().at(2 * u + 1, 0) = u == 1 ? 0 : five;
  }
  expectTwin(p, {});
}

}  // namespace
}  // namespace altiplano
