// SPDX-License-Identifier: Apache-2.0
#include "disparity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "median.h"
#include "speckle.h"
#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Map {
  Image<float> disparity, confidence;
  Image<uint16_t> validity;

  Map(int width, int height) : disparity(width, height), confidence(width, height), validity(width, height) {}
  DisparityViews views() { return {disparity.view(), validity.view(), confidence.view()}; }
};

// A volume of sums, row-major, pixels of `stride` candidates.
struct Volume {
  Image<uint16_t> rows;
  int stride;

  Volume(int width, int height, int count) : rows(width * sgmStride(count), height), stride(sgmStride(count)) {}
  uint16_t* at(int u, int v) { return rows.view().row(v) + u * stride; }
};

void selectDisparity(const SgmInput& input, Volume& volume, const DisparityViews& out, const DisparityOptions& options = {}) {
  DisparitySelector selector(input, options, out);
  for (int v = 0; v < input.height(); ++v) selector.select(v, volume.at(0, v));
}

// One row; sums[u] are the candidates of pixel u at disparities low, low + 1, ...
struct Row {
  Image<uint16_t> refValidity, secValidity;
  Image<uint8_t> secCensus;
  Image<int16_t> low;
  Volume volume;
  SgmInput input;

  Row(const std::vector<std::vector<uint16_t>>& sums, int first, int secWidth)
      : refValidity(static_cast<int>(sums.size()), 1),
        secValidity(secWidth, 1),
        secCensus(secWidth, kCensusBytes),
        low(static_cast<int>(sums.size()), 1),
        volume(static_cast<int>(sums.size()), 1, static_cast<int>(sums[0].size())) {
    const int count = static_cast<int>(sums[0].size());
    for (int u = 0; u < low.width(); ++u) {
      low.view().at(u, 0) = static_cast<int16_t>(first);
      for (int k = 0; k < volume.stride; ++k) {
        volume.at(u, 0)[k] = k < count ? sums[static_cast<size_t>(u)][static_cast<size_t>(k)] : kNoCandidate;
      }
    }
    input = {{}, {}, refValidity.view(), secCensus.view(), secValidity.view(), low.view(), count, 0};
  }
};

TEST(SelectDisparity, PutsTheSubPixelPartBetweenTheWinnersNeighbours) {
  Row row({{900, 300, 100, 200, 900}}, 0, 9);
  Map map(1, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_EQ(map.validity.view().at(0, 0), kValid);
  // Parabola through 300, 100, 200: 0.5 (300 - 200) / (300 - 200 + 200).
  EXPECT_FLOAT_EQ(map.disparity.view().at(0, 0), 2.0f + 0.5f * 100 / 300);
  EXPECT_FLOAT_EQ(map.confidence.view().at(0, 0), 1 - 100.0f / 900);
}

TEST(SelectDisparity, RejectsWinnersAtEitherEdgeOfTheRange) {
  Row row({{100, 300, 500, 700}, {700, 500, 300, 100}}, 0, 9);
  Map map(2, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_TRUE(map.validity.view().at(0, 0) & kRangeEdge);
  EXPECT_TRUE(map.validity.view().at(1, 0) & kRangeEdge);
  EXPECT_TRUE(std::isnan(map.disparity.view().at(0, 0)));
}

TEST(SelectDisparity, SaysOutsideSecondaryWhereNoCandidateExists) {
  Row row({{kNoCandidate, kNoCandidate, kNoCandidate}}, 0, 9);
  Map map(1, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_EQ(map.validity.view().at(0, 0), kOutsideSecondary);
}

TEST(SelectDisparity, RejectsTheReferencePixelWhoseSecondaryPixelPrefersAnother) {
  // Pixels 0 and 4 both choose secondary column 5 (d = 5 and 1); pixel 4 costs less there.
  const std::vector<uint16_t> flat(7, 600);
  std::vector<std::vector<uint16_t>> sums(5, flat);
  sums[0][5] = 200;
  sums[4][1] = 100;
  Row row(sums, 0, 12);
  Map map(5, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_EQ(map.validity.view().at(0, 0), kLeftRight);
  EXPECT_EQ(map.validity.view().at(4, 0), kValid);
}

TEST(SelectDisparity, KeepsBothWhereNothingIsCheckedLeftToRight) {
  std::vector<std::vector<uint16_t>> sums(5, std::vector<uint16_t>(7, 600));
  sums[0][5] = 200;
  sums[4][1] = 100;
  Row row(sums, 0, 12);
  Map map(5, 1);
  selectDisparity(row.input, row.volume, map.views(), {.leftRightPx = -1});
  EXPECT_EQ(map.disparity.view().at(0, 0), 5);
  EXPECT_EQ(map.disparity.view().at(4, 0), 1);
}

TEST(SelectDisparity, GivesASecondChanceToTheCandidateBothViewsAgreeOn) {
  // As above, but pixel 0 has a second minimum at d = 2, which no other pixel wants, at 1.4 times its best.
  std::vector<std::vector<uint16_t>> sums(5, std::vector<uint16_t>(7, 600));
  sums[0][5] = 200;
  sums[0][2] = 280;
  sums[4][1] = 100;
  Row row(sums, 0, 12);
  Map map(5, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_EQ(map.validity.view().at(0, 0), kValid);
  EXPECT_FLOAT_EQ(map.disparity.view().at(0, 0), 2);
  EXPECT_FLOAT_EQ(map.confidence.view().at(0, 0), kLeastConfidence);
}

TEST(SelectDisparity, SaysAmbiguousWhereAllCandidatesCostTheSame) {
  Row row({{400, 400, 400, 400}}, 0, 9);
  Map map(1, 1);
  selectDisparity(row.input, row.volume, map.views());
  EXPECT_TRUE(map.validity.view().at(0, 0) & kAmbiguous);
  EXPECT_EQ(map.confidence.view().at(0, 0), 0);
}

TEST(SelectDisparity, EqualsItsTwinOnEveryTargetAndOddSizes) {
  std::mt19937 random(9);
  const int sizes[][3] = {{1, 1, 1}, {5, 3, 40}, {37, 31, 37}, {40, 64, 90}, {23, 97, 61}};
  for (const auto& [width, count, secWidth] : sizes) {
    const int height = 4;
    Image<uint16_t> refValidity(width, height), secValidity(secWidth, height);
    Image<uint8_t> secCensus(secWidth, kCensusBytes * height);
    Image<int16_t> low(width, height);
    Volume volume(width, height, count);
    const int offset = 2;
    for (const bool narrower : {false, true}) {
      std::vector<uint16_t> rowCounts;
      for (int v = 0; narrower && v < height; ++v) rowCounts.push_back(static_cast<uint16_t>(1 + random() % static_cast<uint32_t>(count)));
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          refValidity.view().at(u, v) = random() % 20 == 0 ? kBorder : 0;
          const int away = random() % 30 == 0 ? 5000 : 0;
          low.view().at(u, v) = static_cast<int16_t>(static_cast<int>(random() % 7) - count / 2 + away);
          const int countHere = narrower ? rowCounts[static_cast<size_t>(v)] : count, stride = sgmStride(countHere);
          for (int k = 0; k < stride; ++k) {
            const int column = u + low.view().at(u, v) + k + offset;
            const bool none = k >= countHere || column < 0 || column >= secWidth || random() % 15 == 0;
            volume.at(0, v)[u * stride + k] = none ? kNoCandidate : static_cast<uint16_t>(random() % 40 + 100);  // ties abound
          }
        }
      }
      const SgmInput input{{}, {}, refValidity.view(), secCensus.view(), secValidity.view(), low.view(), count, offset, rowCounts};
      for (const DisparityOptions& options : {DisparityOptions{}, {-1, 1.5f}, {0.25f, 1.5f}, {1, 1}}) {
        SCOPED_TRACE(::testing::Message() << width << "x" << count << ", left-right " << options.leftRightPx << ", second chance " << options.secondChance);
        Map expected(width, height);
        for (int v = 0; v < height; ++v) selectDisparityReference(input, v, volume.at(0, v), options, expected.views());
        onEveryTarget([&] {
          Map got(width, height);
          selectDisparity(input, volume, got.views(), options);
          for (int v = 0; v < height; ++v) {
            for (int u = 0; u < width; ++u) {
              const float e = expected.disparity.view().at(u, v), g = got.disparity.view().at(u, v);
              ASSERT_TRUE(e == g || (std::isnan(e) && std::isnan(g))) << u << ' ' << v;
              ASSERT_EQ(got.validity.view().at(u, v), expected.validity.view().at(u, v));
              ASSERT_EQ(got.confidence.view().at(u, v), expected.confidence.view().at(u, v));
            }
          }
        });
      }
    }
  }
}

TEST(RemoveSpeckles, DropsRegionsBelowTheLimitAndKeepsThoseAtIt) {
  Map map(7, 3);
  // A background of 0, an island of 2 pixels at 5 and one of 3 pixels at -5 whose steps are 1.
  const auto set = [&](int u, int v, float d) { map.disparity.view().at(u, v) = d; };
  set(1, 0, 5);
  set(1, 1, 5.5f);
  set(4, 1, -5);
  set(5, 1, -6);
  set(5, 2, -7);
  for (int v = 0; v < 3; ++v) {
    for (int u = 0; u < 7; ++u) map.confidence.view().at(u, v) = 1;
  }
  removeSpeckles(map.views(), 3, 1);
  for (int v = 0; v < 3; ++v) {
    for (int u = 0; u < 7; ++u) {
      const bool dropped = u == 1 && v < 2;
      EXPECT_EQ(map.validity.view().at(u, v), dropped ? kSpeckle : kValid) << u << ' ' << v;
      EXPECT_EQ(std::isnan(map.disparity.view().at(u, v)), dropped);
      EXPECT_EQ(map.confidence.view().at(u, v), dropped ? 0 : 1);
    }
  }
}

TEST(RemoveSpeckles, KeepsTheReasonsOfPixelsRejectedBefore) {
  Map map(2, 1);
  map.validity.view().at(0, 0) = kLeftRight;
  map.disparity.view().at(0, 0) = kNan;
  removeSpeckles(map.views(), 10, 1);
  EXPECT_EQ(map.validity.view().at(0, 0), kLeftRight);
  EXPECT_EQ(map.validity.view().at(1, 0), kSpeckle);
}

TEST(MedianFilter, ReplacesAPeakAndNeverInventsOrMeans) {
  Image<float> in(3, 3), out(3, 3);
  const float values[9] = {1, 1, 1, 1, 9, kNan, 5, 5, 5};
  for (int i = 0; i < 9; ++i) in.view().at(i % 3, i / 3) = values[i];
  medianFilter(in.view(), 3, out.view());
  // Eight values 1 1 1 1 5 5 5 9: the middle two are 1 and 5, and 5 is nearer to 9.
  EXPECT_EQ(out.view().at(1, 1), 5);
  EXPECT_TRUE(std::isnan(out.view().at(2, 1)));
  EXPECT_EQ(out.view().at(0, 0), 1);
}

TEST(MedianFilter, OfOnePixelIsThatPixel) {
  Image<float> in(1, 1), out(1, 1);
  in.view().at(0, 0) = 7;
  medianFilter(in.view(), 3, out.view());
  EXPECT_EQ(out.view().at(0, 0), 7);
}

}  // namespace
}  // namespace altiplano
