// SPDX-License-Identifier: Apache-2.0
#include "census.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

struct Sample {
  Image<float> image;
  Image<uint8_t> valid;
};

Sample randomSample(int width, int height, double missing, uint32_t seed) {
  std::mt19937 random(seed);
  Sample s{Image<float>(width, height), Image<uint8_t>(width, height)};
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      s.image.view().at(u, v) = static_cast<float>(random() % 50);  // few levels: ties occur
      s.valid.view().at(u, v) = static_cast<double>(random()) / 4294967296.0 < missing ? 0 : 1;
    }
  }
  return s;
}

TEST(CensusTransform, SetsTheBitsOfDarkerNeighboursInRowMajorOrder) {
  // A ramp: v * 100 + u. Darker are all rows above and, in the centre's row, the three pixels to the left: the
  // first 14 + 3 bits.
  Image<float> image(7, 5);
  Image<uint8_t> valid(7, 5);
  for (int v = 0; v < 5; ++v) {
    for (int u = 0; u < 7; ++u) {
      image.view().at(u, v) = static_cast<float>(v * 100 + u);
      valid.view().at(u, v) = 1;
    }
  }
  Image<uint8_t> code(7, kCensusBytes * 5);
  Image<uint16_t> validity(7, 5);
  onEveryTarget([&] {
    censusTransform(image.view(), valid.view(), code.view(), validity.view());
    EXPECT_EQ(censusCodeAt(code.view(), 3, 2), (uint64_t{1} << 17) - 1);
    EXPECT_EQ(validity.view().at(3, 2), kValid);
    // The last corner: everything else is darker, but the edge repeats itself to the right and below. Of the 7
    // columns 3 are darker and 4 equal in the centre's row; 7 x 2 above are darker; below repeats the centre's row.
    EXPECT_EQ(std::popcount(censusCodeAt(code.view(), 6, 4)), 14 + 3 + 2 * 3);
  });
}

TEST(CensusTransform, CountsAMissingNeighbourAsNotDarker) {
  Sample s = randomSample(31, 17, 0, 1);
  const Sample whole = randomSample(31, 17, 0, 1);
  s.valid.view().at(15, 8) = 0;
  Image<uint8_t> code(31, kCensusBytes * 17), expected(31, kCensusBytes * 17);
  Image<uint16_t> validity(31, 17);
  censusTransform(whole.image.view(), whole.valid.view(), expected.view(), validity.view());
  censusTransform(s.image.view(), s.valid.view(), code.view(), validity.view());
  for (int v = 2; v < 15; ++v) {
    for (int u = 3; u < 28; ++u) {
      const bool centre = u == 15 && v == 8;
      const int du = 15 - u, dv = 8 - v;
      const bool near = std::abs(du) <= 3 && std::abs(dv) <= 2;
      const int index = (dv + 2) * 7 + du + 3;
      const uint64_t gone = near && !centre ? uint64_t{1} << (index > 17 ? index - 1 : index) : 0;
      EXPECT_EQ(validity.view().at(u, v), centre ? kNoDataReference : kValid) << u << ' ' << v;
      EXPECT_EQ(censusCodeAt(code.view(), u, v), centre ? 0 : censusCodeAt(expected.view(), u, v) & ~gone) << u << ' ' << v;
    }
  }
}

TEST(CensusTransform, RefusesAWindowThatLacksMoreThanTwoThirds) {
  // Data in the left columns of the block only: at their first column, `columns` of the window's 7 have data.
  for (int columns = 1; columns <= 4; ++columns) {
    Sample s = randomSample(40, 20, 0, 1);
    for (int v = 0; v < 20; ++v) {
      for (int u = 0; u < 40; ++u) s.valid.view().at(u, v) = u >= 20 && u < 20 + columns;
    }
    Image<uint8_t> code(40, kCensusBytes * 20);
    Image<uint16_t> validity(40, 20);
    censusTransform(s.image.view(), s.valid.view(), code.view(), validity.view());
    EXPECT_EQ(validity.view().at(20, 10), columns >= 3 ? kValid : kBorder) << columns;  // 3 columns: 20 missing; 2: 25
  }
}

TEST(CensusTransform, EqualsItsTwinOnEveryTargetAndOddSizes) {
  const int sizes[][2] = {{1, 1}, {2, 3}, {7, 1}, {1, 9}, {15, 16}, {16, 7}, {17, 5}, {33, 12}, {63, 8}, {131, 9}};
  for (const auto& [width, height] : sizes) {
    for (const double missing : {0.0, 0.01, 1.0}) {
      const Sample s = randomSample(width, height, missing, 7);
      Image<uint8_t> expected(width, kCensusBytes * height), got(width, kCensusBytes * height);
      Image<uint16_t> expectedValidity(width, height), gotValidity(width, height);
      censusTransformReference(s.image.view(), s.valid.view(), expected.view(), expectedValidity.view());
      onEveryTarget([&] {
        censusTransform(s.image.view(), s.valid.view(), got.view(), gotValidity.view());
        for (int v = 0; v < height; ++v) {
          for (int u = 0; u < width; ++u) {
            ASSERT_EQ(censusCodeAt(got.view(), u, v), censusCodeAt(expected.view(), u, v)) << width << 'x' << height << ' ' << u << ' ' << v;
            ASSERT_EQ(gotValidity.view().at(u, v), expectedValidity.view().at(u, v));
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace altiplano
