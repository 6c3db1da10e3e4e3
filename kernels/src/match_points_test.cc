// SPDX-License-Identifier: Apache-2.0
#include "match_points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "correlate_patch.h"
#include "corners.h"
#include "targets_for_test.h"

namespace altiplano {
namespace {

// A random texture of plane waves up to half the Nyquist frequency, of standard deviation `contrast`, that can be read
// anywhere: the truth for sub-pixel shifts.
class Texture {
 public:
  Texture(unsigned seed, double contrast, int count = 60) : amplitude_(contrast * std::sqrt(2.0 / count)) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int i = 0; i < count; ++i) {
      waves_.push_back({uniform(random) * 1.57, uniform(random) * 1.57, uniform(random) * 3.14});
    }
  }
  double at(double x, double y) const {
    double sum = 0;
    for (const auto& [kx, ky, phase] : waves_) sum += std::cos(kx * x + ky * y + phase);
    return 1000 + amplitude_ * sum;
  }

 private:
  struct Wave {
    double kx, ky, phase;
  };
  double amplitude_;
  std::vector<Wave> waves_;
};

struct Block {
  Image<float> data;
  Image<uint8_t> valid;
  int u0 = 0, v0 = 0;
  Block(int width, int height, int u0, int v0) : data(width, height), valid(width, height), u0(u0), v0(v0) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) valid.view().at(x, y) = 1;
    }
  }
  template <typename Value>
  Block& fill(Value value) {
    for (int y = 0; y < data.height(); ++y) {
      for (int x = 0; x < data.width(); ++x) data.view().at(x, y) = static_cast<float>(value(u0 + x, v0 + y));
    }
    return *this;
  }
  RectBlock view() const { return {data.view(), valid.view(), u0, v0}; }
};

std::vector<Seed> cornerSeeds(const Block& ref, int maxPoints, double du, double dv) {
  std::vector<Seed> seeds;
  for (const Corner& c : detectCorners(ref.data.view(), ref.valid.view(), {maxPoints, 8, 14})) {
    const double u = c.x + ref.u0, v = c.y + ref.v0;
    seeds.push_back({u, v, u + du, v + dv});
  }
  return seeds;
}

TEST(CorrelatePatch, EqualsItsTwinOnOddSizesOnEveryTarget) {
  std::mt19937 random(1);
  for (const auto& [width, height, side] : {std::tuple{1, 1, 1}, {5, 3, 7}, {33, 2, 5}, {67, 9, 21}}) {
    const int padded = (width + kCorrelationBlock - 1) / kCorrelationBlock * kCorrelationBlock;
    Image<float> patch(side, side), region(padded + side, height + side), expected(padded, height);
    for (Image<float>* image : {&patch, &region}) {
      for (int y = 0; y < image->height(); ++y) {
        for (int x = 0; x < image->width(); ++x) image->view().at(x, y) = static_cast<float>(random() % 1000) / 7 - 70;
      }
    }
    const auto cut = [&](Image<float>& image) { return ImageView<float>{image.view().data, width, height, image.view().stride}; };
    correlatePatchReference(patch.view(), region.view(), cut(expected));
    onEveryTarget([&] {
      Image<float> out(padded, height);
      correlatePatch(patch.view(), region.view(), cut(out));
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) ASSERT_EQ(out.view().at(x, y), expected.view().at(x, y)) << x << ", " << y;
      }
    });
  }
}

TEST(MatchPoints, FindsSubPixelShiftsInNoiseWithGainAndOffset) {
  const Texture texture(3, 50);
  for (const auto& [du, dv] : {std::pair{12.3, -2.4}, {0.0, 0.0}, {-30.5, 3.5}, {5.77, 1.12}}) {
    std::mt19937 random(9);
    std::normal_distribution<double> noise(0, 5);
    const double shiftU = du, shiftV = dv;
    Block ref(260, 220, 1000, -500), sec(360, 240, 950, -510);
    ref.fill([&](int u, int v) { return texture.at(u, v) + noise(random); });
    sec.fill([&](int u, int v) { return 1.3 * texture.at(u - shiftU, v - shiftV) - 200 + noise(random); });
    const std::vector<Seed> seeds = cornerSeeds(ref, 100, 0, 0);
    const auto matches = matchPoints(ref.view(), sec.view(), seeds, {40, 6, 10, 0.8, 0.05});
    EXPECT_GT(matches.size(), seeds.size() * 7 / 10);
    double sumU = 0, sumV = 0, square = 0;
    for (const PointMatch& m : matches) {
      EXPECT_EQ(m.u1, seeds[static_cast<size_t>(m.seed)].u1);
      const double eu = m.u2 - m.u1 - du, ev = m.v2 - m.v1 - dv;
      EXPECT_LT(std::hypot(eu, ev), 0.1);
      sumU += eu, sumV += ev, square += eu * eu + ev * ev;
    }
    const double n = static_cast<double>(matches.size());
    EXPECT_LT(std::sqrt(square / n / 2), 0.02);
    EXPECT_NEAR(sumU / n, 0, 0.005);
    EXPECT_NEAR(sumV / n, 0, 0.005);
  }
}

TEST(MatchPoints, ASlopeAlongTheLinesDoesNotBiasTheRowShift) {
  const Texture texture(3, 50);
  Block ref(260, 220, 0, 0), sec(300, 230, -20, -5);
  ref.fill([&](int u, int v) { return texture.at(u, v); });
  // u1 = u2 - 4 - 0.06 (u2 - 130) - 0.05 (v2 - 110), v1 = v2 - 0.3
  const auto u1Of = [](double u2, double v2) { return u2 - 4 - 0.06 * (u2 - 130) - 0.05 * (v2 - 110); };
  sec.fill([&](int u, int v) { return texture.at(u1Of(u, v), v - 0.3); });
  const auto matches = matchPoints(ref.view(), sec.view(), cornerSeeds(ref, 100, 4, 0), {16, 4, 8, 0.7, 0.05});
  EXPECT_GT(matches.size(), 60u);
  double sum = 0, square = 0;
  for (const PointMatch& m : matches) {
    EXPECT_NEAR(u1Of(m.u2, m.v2), m.u1, 0.15);
    sum += m.v2 - m.v1 - 0.3, square += std::pow(m.v2 - m.v1 - 0.3, 2);
  }
  EXPECT_NEAR(sum / static_cast<double>(matches.size()), 0, 0.01);
  EXPECT_LT(std::sqrt(square / static_cast<double>(matches.size())), 0.05);
}

TEST(MatchPoints, RejectsRepeatedTexture) {
  Block ref(200, 100, 0, 0), sec(200, 100, 0, 0);
  // Repeats every 16 px along u.
  const Texture texture(4, 50);
  const auto repeated = [&](int u, int v) { return texture.at(((u % 16) + 16) % 16, v); };
  ref.fill(repeated), sec.fill(repeated);
  EXPECT_TRUE(matchPoints(ref.view(), sec.view(), cornerSeeds(ref, 50, 0, 0), {20, 3, 10, 0.7, 0.05}).empty());
  EXPECT_FALSE(matchPoints(ref.view(), sec.view(), cornerSeeds(ref, 50, 0, 0), {7, 3, 10, 0.7, 0.05}).empty());
}

TEST(MatchPoints, RejectsNoiseFlatPatchesAndWhatLiesBeyondTheSearch) {
  std::mt19937 random(2);
  std::normal_distribution<double> noise(0, 5);
  Block ref(150, 150, 0, 0), sec(150, 150, 0, 0);
  ref.fill([&](int, int) { return 1000 + noise(random); });
  sec.fill([&](int, int) { return 1000 + noise(random); });
  EXPECT_TRUE(matchPoints(ref.view(), sec.view(), cornerSeeds(ref, 80, 0, 0), {10, 5, 10, 0.7, 0.05}).empty());

  const std::vector<Seed> grid{{50, 50, 50, 50}, {80, 90, 80, 90}};
  ref.fill([](int, int) { return 1000.0; }), sec.fill([](int, int) { return 1000.0; });
  EXPECT_TRUE(matchPoints(ref.view(), sec.view(), grid, {10, 5, 10, 0.7, 0.05}).empty());
  EXPECT_TRUE(detectCorners(ref.data.view(), ref.valid.view(), {}).empty());

  const Texture texture(3, 50);
  ref.fill([&](int u, int v) { return texture.at(u, v); }), sec.fill([&](int u, int v) { return texture.at(u - 11, v); });
  EXPECT_TRUE(matchPoints(ref.view(), sec.view(), grid, {10, 5, 10, 0.7, 0.05}).empty());
}

TEST(MatchPoints, NeverCorrelatesNoData) {
  const Texture texture(3, 50);
  Block ref(150, 150, 0, 0), sec(150, 150, 0, 0);
  ref.fill([&](int u, int v) { return texture.at(u, v); }), sec.fill([&](int u, int v) { return texture.at(u - 1.5, v); });
  for (int y = 0; y < 150; ++y) {
    for (int x = 70; x < 80; ++x) ref.valid.view().at(x, y) = 0, ref.data.view().at(x, y) = 0;
    for (int x = 20; x < 24; ++x) sec.valid.view().at(x, y) = 0, sec.data.view().at(x, y) = 0;
  }
  std::vector<Seed> seeds;
  for (double u = 0; u < 150; ++u) seeds.push_back({u, 75, u, 75});
  const auto matches = matchPoints(ref.view(), sec.view(), seeds, {5, 5, 6, 0.7, 0.0});
  EXPECT_GT(matches.size(), 50u);
  for (const PointMatch& m : matches) {
    EXPECT_TRUE(m.u1 + 6 < 70 || m.u1 - 6 > 79) << m.u1;
    EXPECT_TRUE(m.u2 + 6 < 20 || m.u2 - 6 > 23) << m.u2;
    EXPECT_NEAR(m.u2 - m.u1, 1.5, 0.02);
  }
}

TEST(DetectCorners, FindsTheCornersOfASquareAndSpreadsOverTheBlock) {
  Block block(100, 80, 0, 0);
  block.fill([](int u, int v) { return u >= 40 && u <= 60 && v >= 30 && v <= 50 ? 100.0 : 0.0; });
  auto corners = detectCorners(block.data.view(), block.valid.view(), {100, 5, 5});
  ASSERT_GE(corners.size(), 4u);
  corners.resize(4);
  for (const Corner& c : corners) {
    EXPECT_NEAR(std::abs(c.x - 50), 10, 2);
    EXPECT_NEAR(std::abs(c.y - 40), 10, 2);
  }

  const Texture texture(8, 50);
  block.fill([&](int u, int v) { return texture.at(u, v) * (u < 50 ? 10 : 1); });
  const auto spread = detectCorners(block.data.view(), block.valid.view(), {40, 6, 7});
  int right = 0;
  for (size_t i = 0; i < spread.size(); ++i) {
    const Corner& c = spread[i];
    right += c.x >= 50;
    EXPECT_TRUE(c.x >= 7 && c.y >= 7 && c.x < 93 && c.y < 73);
    for (size_t k = 0; k < i; ++k) EXPECT_GE(std::hypot(c.x - spread[k].x, c.y - spread[k].y), 6);
  }
  EXPECT_GE(spread.size(), 30u);
  EXPECT_GE(right, 12) << "the weaker half of the block gets its share";
}

TEST(DetectCorners, KeepsAwayFromNoData) {
  const Texture texture(8, 50);
  Block block(100, 80, 0, 0);
  block.fill([&](int u, int v) { return texture.at(u, v); });
  block.valid.view().at(50, 40) = 0, block.data.view().at(50, 40) = 0;
  for (const Corner& c : detectCorners(block.data.view(), block.valid.view(), {500, 1, 9})) {
    EXPECT_GT(std::max(std::abs(c.x - 50), std::abs(c.y - 40)), 9);
  }
}

}  // namespace
}  // namespace altiplano
