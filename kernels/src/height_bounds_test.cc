// SPDX-License-Identifier: Apache-2.0
#include "height_bounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Bounds {
  Image<float> low, high;
  Bounds(int width, int height) : low(width, height), high(width, height) {}
  BoundsViews views() { return {low.view(), high.view()}; }
};

// Hills with steps, spikes and holes of all sizes.
Image<float> roughGround(int width, int height, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> noise(-0.5, 0.5);
  Image<float> ground(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float h = 100 + 20 * std::sin(x * 0.07F) + 15 * std::cos(y * 0.05F) + noise(random);
      if ((x / 9 + y / 7) % 3 == 0) h += 12;
      if (random() % 50 == 0) h += 300;
      const bool isHole = random() % 9 == 0 || std::hypot(x - width / 3.0, y - height / 2.0) < width / 6.0;
      ground.view().at(x, y) = isHole ? kNaN : h;
    }
  }
  return ground;
}

void expectSame(ImageView<const float> expected, ImageView<const float> actual) {
  for (int y = 0; y < expected.height; ++y) {
    for (int x = 0; x < expected.width; ++x) {
      const float a = expected.at(x, y), b = actual.at(x, y);
      ASSERT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << x << ", " << y << ": " << a << " and " << b;
    }
  }
}

TEST(LocalBounds, EqualsItsTwin) {
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 5}, {7, 3}, {13, 13}, {61, 40}, {130, 67}}) {
    const Image<float> ground = roughGround(width, height, width);
    for (const LocalBoundsOptions& options : {LocalBoundsOptions{3, 6, 2, 3}, {1, 0, 0.5, 2}, {0, 1, 3, 1}, {5, 8, 1, 3}}) {
      Bounds expected(width, height), actual(width, height);
      localBoundsReference(ground.view(), options, expected.views());
      localBounds(ground.view(), options, actual.views());
      expectSame(expected.low.view(), actual.low.view());
      expectSame(expected.high.view(), actual.high.view());
    }
  }
}

TEST(LocalBounds, OfAPartAndByThreadsAreThoseOfTheWhole) {
  constexpr int kWidth = 90, kHeight = 330, kCol0 = 11, kRow0 = 21;
  Image<float> ground = roughGround(kWidth, kHeight, 5);
  for (int y = 200; y < kHeight; ++y) std::fill_n(ground.view().row(y), kWidth, kNaN);
  const LocalBoundsOptions options{3, 6, 2, 3};
  Bounds whole(kWidth, kHeight);
  localBoundsReference(ground.view(), options, whole.views());
  for (const int threads : {1, 2, 7}) {
    Bounds part(60, 300);
    localBounds(ground.view(), options, part.views(), kCol0, kRow0, threads);
    const auto inWhole = [](ImageView<float> image) { return ImageView<const float>{&image.at(kCol0, kRow0), 60, 300, image.stride}; };
    expectSame(inWhole(whole.low.view()), part.low.view());
    expectSame(inWhole(whole.high.view()), part.high.view());
  }
}

TEST(SpanOf, IsTheLowestLowAndTheHighestHigh) {
  Bounds bounds(5, 3);
  for (int i = 0; i < 15; ++i) {
    bounds.low.view().at(i % 5, i / 5) = static_cast<float>((i * 7) % 15 - 4);
    bounds.high.view().at(i % 5, i / 5) = static_cast<float>((i * 4) % 15 + 20);
  }
  const HeightSpan span = spanOf({bounds.low.view(), bounds.high.view()});
  EXPECT_EQ(span.low, -4);
  EXPECT_EQ(span.high, 34);
}

TEST(LocalBounds, HoldEverySupportedHeightNearBy) {
  const Image<float> ground = roughGround(80, 60, 4);
  Bounds bounds(80, 60);
  localBounds(ground.view(), {3, 6, 2, 1}, bounds.views());
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 80; ++x) {
      const float h = ground.view().at(x, y);
      if (std::isnan(h)) continue;
      EXPECT_LE(bounds.low.view().at(x, y), h);
      EXPECT_GE(bounds.high.view().at(x, y), h);
    }
  }
}

TEST(FillBounds, AWindowIsFilledAsTheWholeGridIs) {
  constexpr int kDoublings = 3, kReach = 2 << kDoublings;
  Bounds whole(150, 131), window(64, 64);
  std::mt19937 random(9);
  for (int y = 0; y < 131; ++y) {
    for (int x = 0; x < 150; ++x) {
      const bool isKnown = random() % 40 == 0 || x < 20;
      const float h = 10.0F * static_cast<float>(random() % 100);
      whole.low.view().at(x, y) = isKnown ? h : kNaN;
      whole.high.view().at(x, y) = isKnown ? h + 5 : kNaN;
    }
  }
  constexpr int kCol0 = 32, kRow0 = 40;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      window.low.view().at(x, y) = whole.low.view().at(kCol0 + x, kRow0 + y);
      window.high.view().at(x, y) = whole.high.view().at(kCol0 + x, kRow0 + y);
    }
  }
  fillBounds(whole.views(), -1, 2000, kDoublings);
  fillBounds(window.views(), -1, 2000, kDoublings);
  for (int y = kReach; y < 64 - kReach; ++y) {
    for (int x = kReach; x < 64 - kReach; ++x) {
      EXPECT_EQ(window.low.view().at(x, y), whole.low.view().at(kCol0 + x, kRow0 + y));
      EXPECT_EQ(window.high.view().at(x, y), whole.high.view().at(kCol0 + x, kRow0 + y));
    }
  }
}

// Cells    0     1     2     3     4     5     6 ...    along a row and down a column, one doubling
//         4-12   ?   10-20   ?     ?     ?     ? ...
// known         0,2         2    from the pair 2-3, which lies beside 4-5; nothing is near the rest
TEST(FillBounds, TakesNeighboursThenCoarserNeighboursThenTheFallback) {
  constexpr float kLows[] = {4, 4, 10, 10, 10, 10, -1, -1, -1}, kHighs[] = {12, 20, 20, 20, 20, 20, 2000, 2000, 2000};
  constexpr int kCells = 9;
  for (const bool isColumn : {false, true}) {
    Bounds bounds(isColumn ? 1 : kCells, isColumn ? kCells : 1);
    const auto at = [&](Image<float>& image, int i) -> float& { return image.view().at(isColumn ? 0 : i, isColumn ? i : 0); };
    for (int i = 0; i < kCells; ++i) {
      at(bounds.low, i) = i == 0 || i == 2 ? kLows[i] : kNaN;
      at(bounds.high, i) = i == 0 || i == 2 ? kHighs[i] : kNaN;
    }
    fillBounds(bounds.views(), -1, 2000, 1);
    for (int i = 0; i < kCells; ++i) {
      EXPECT_EQ(at(bounds.low, i), kLows[i]) << i;
      EXPECT_EQ(at(bounds.high, i), kHighs[i]) << i;
    }
  }
}

TEST(WidenBounds, AddsMarginsAndStaysInsideTheDomain) {
  Bounds bounds(4, 1), around(2, 1);
  const float low[] = {10, kNaN, 90, 300}, high[] = {20, kNaN, 95, 310};
  std::memcpy(bounds.low.view().row(0), low, sizeof(low));
  std::memcpy(bounds.high.view().row(0), high, sizeof(high));
  around.low.view().at(0, 0) = 40;
  around.high.view().at(0, 0) = 60;
  widenBounds(bounds.views(), {around.low.view(), around.high.view()}, 2, {2, 0.1, 0, 100});
  const float lows[] = {7, 34, 87.5, 0}, highs[] = {23, 66, 97.5, 100};
  for (int x = 0; x < 4; ++x) {
    EXPECT_EQ(bounds.low.view().at(x, 0), lows[x]);
    EXPECT_EQ(bounds.high.view().at(x, 0), highs[x]);
  }
}

}  // namespace
}  // namespace altiplano
