// SPDX-License-Identifier: Apache-2.0
#include "refine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

// Both images are samples of one sum of waves; the secondary shows at column x + secOffset what the texture has at
// the u with u + d(u, v) = x.
struct Pair {
  Image<float> ref, sec, truth;
  Image<uint8_t> refValid, secValid;
  int secOffset;

  RefineInput input() const { return {ref.view(), refValid.view(), sec.view(), secValid.view(), secOffset}; }
};

double textureAt(double u, double v) {
  static const std::vector<std::array<double, 4>> waves = [] {
    std::mt19937 random(11);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::vector<std::array<double, 4>> list;
    for (int i = 0; i < 60; ++i) {
      const double f = 2 * M_PI * 0.01 * std::pow(35, uniform(random)), angle = 2 * M_PI * uniform(random);
      list.push_back({f * std::cos(angle), f * std::sin(angle), 2 * M_PI * uniform(random), 15});
    }
    return list;
  }();
  double sum = 600;
  for (const auto& [fu, fv, phase, amplitude] : waves) sum += amplitude * std::cos(fu * u + fv * v + phase);
  return sum;
}

template <class DisparityAt>
Pair makePair(int width, int height, double noise, double gain, double bias, DisparityAt disparityAt) {
  const int margin = 24;
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, noise);
  Pair p{Image<float>(width, height),   Image<float>(width + 2 * margin, height),   Image<float>(width, height),
         Image<uint8_t>(width, height), Image<uint8_t>(width + 2 * margin, height), margin};
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      p.ref.view().at(u, v) = static_cast<float>(textureAt(u, v) + normal(random));
      p.truth.view().at(u, v) = static_cast<float>(disparityAt(u, v));
      p.refValid.view().at(u, v) = 1;
    }
    for (int i = 0; i < width + 2 * margin; ++i) {
      const double x = i - margin;
      double u = x;
      for (int k = 0; k < 80; ++k) u = x - disparityAt(u, v);
      p.sec.view().at(i, v) = static_cast<float>(bias + gain * textureAt(u, v) + normal(random));
      p.secValid.view().at(i, v) = 1;
    }
  }
  return p;
}

Image<float> roundedTruth(const Pair& p) {
  Image<float> start(p.ref.width(), p.ref.height());
  for (int v = 0; v < start.height(); ++v) {
    for (int u = 0; u < start.width(); ++u) start.view().at(u, v) = std::round(p.truth.view().at(u, v));
  }
  return start;
}

std::vector<float> errorsOf(const Pair& p, const Image<float>& disparity, int border) {
  std::vector<float> errors;
  for (int v = border; v < disparity.height() - border; ++v) {
    for (int u = border; u < disparity.width() - border; ++u) {
      errors.push_back(std::fabs(disparity.view().at(u, v) - p.truth.view().at(u, v)));
    }
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

TEST(RefineDisparity, FindsTheSubPixelPartFromWholePixelsOnASlantedPlane) {
  const Pair p = makePair(160, 80, 6, 1.1, -30, [](double u, double v) { return 0.023 * u + 0.011 * v - 2.2; });
  Image<float> disparity = roundedTruth(p);
  RefineOptions options;
  options.iterations = 3;
  BigBuffer memory;
  refineDisparity(p.input(), options, disparity.view(), memory);
  const auto errors = errorsOf(p, disparity, 6);
  EXPECT_LT(errors[errors.size() / 2], 0.06f);
  EXPECT_LT(errors[errors.size() * 95 / 100], 0.15f);
  // No staircase: fractions are spread as the truth's are.
  int got[5] = {}, expected[5] = {};
  for (int v = 6; v < 74; ++v) {
    for (int u = 6; u < 154; ++u) {
      const float d = disparity.view().at(u, v), t = p.truth.view().at(u, v);
      ++got[std::min(4, static_cast<int>((d - std::floor(d)) * 5))];
      ++expected[std::min(4, static_cast<int>((t - std::floor(t)) * 5))];
    }
  }
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(got[i], expected[i], 0.15 * expected[i]) << "fifth " << i;
}

TEST(RefineDisparity, IsExactToAHundredthOfAPixelWithoutNoise) {
  const Pair p = makePair(120, 60, 0, 1, 0, [](double u, double v) { return 0.017 * u - 0.02 * v + 1.3; });
  Image<float> disparity = roundedTruth(p);
  RefineOptions options;
  options.iterations = 4;
  BigBuffer memory;
  refineDisparity(p.input(), options, disparity.view(), memory);
  const auto errors = errorsOf(p, disparity, 6);
  EXPECT_LT(errors[errors.size() / 2], 0.005f);
  EXPECT_LT(errors[errors.size() * 99 / 100], 0.03f);
}

TEST(RefineDisparity, KeepsARoofAndTheGroundApart) {
  // The ground at 0.3 px, a roof at 6.3 px between columns 60 and 100; hidden ground is left out as a matcher would.
  Pair q = makePair(160, 40, 2, 1, 0, [](double, double) { return 0.0; });
  const auto disparityAt = [](double u) { return u >= 60 && u < 100 ? 6.3 : 0.3; };
  Image<float> disparity(160, 40);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int v = 0; v < 40; ++v) {
    for (int u = 0; u < 160; ++u) {
      q.truth.view().at(u, v) = static_cast<float>(disparityAt(u));
      const bool hidden = u >= 100 && u < 106;
      disparity.view().at(u, v) = hidden ? nan : std::round(q.truth.view().at(u, v));
    }
    for (int i = 0; i < q.sec.width(); ++i) {
      const double x = i - q.secOffset;
      const double u = x >= 66.3 && x < 106.3 ? x - 6.3 : x - 0.3;
      q.sec.view().at(i, v) = static_cast<float>(textureAt(u, v));
    }
  }
  BigBuffer memory;
  refineDisparity(q.input(), {}, disparity.view(), memory);
  for (int v = 6; v < 34; ++v) {
    for (int u = 8; u < 150; ++u) {
      const float d = disparity.view().at(u, v);
      if (u >= 100 && u < 106) {
        EXPECT_TRUE(std::isnan(d));
      } else {
        // Kernels of 8 and 9 columns straddle the edge; 6 px from it nothing is left of that.
        const bool near = std::min({std::abs(u - 60), std::abs(u - 100), std::abs(u - 106)}) < 6;
        EXPECT_NEAR(d, q.truth.view().at(u, v), near ? 0.6 : 0.08) << u << ' ' << v;
      }
    }
  }
}

TEST(RefineDisparity, LeavesATexturelessPairAsItWas) {
  Pair p = makePair(40, 20, 0, 1, 0, [](double, double) { return 0.0; });
  for (int v = 0; v < 20; ++v) {
    std::fill_n(p.ref.view().row(v), 40, 500.0f);
    std::fill_n(p.sec.view().row(v), p.sec.width(), 500.0f);
  }
  Image<float> disparity(40, 20);
  for (int v = 0; v < 20; ++v) std::fill_n(disparity.view().row(v), 40, 0.25f);
  BigBuffer memory;
  refineDisparity(p.input(), {}, disparity.view(), memory);
  for (int v = 0; v < 20; ++v) {
    for (int u = 0; u < 40; ++u) EXPECT_EQ(disparity.view().at(u, v), 0.25f);
  }
}

TEST(RefineDisparity, EqualsItsTwinOnEveryTargetAndOddSizes) {
  const int sizes[][2] = {{1, 1}, {3, 2}, {17, 5}, {33, 19}, {70, 23}, {300, 11}, {1601, 11}};  // the last in two strips
  for (const auto& [width, height] : sizes) {
    for (const int iterations : {1, 2, 3}) {
      Pair p = makePair(width, height, 5, 1.05, 10, [](double u, double v) { return 0.05 * u - 0.03 * v; });
      std::mt19937 random(3);
      Image<float> start = roundedTruth(p);
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          const uint32_t draw = random() % 100;
          const bool inCorner = 4 * u > 3 * width && 2 * v < height;  // whole vectors of missing pixels
          if (draw < 5 || inCorner) start.view().at(u, v) = std::numeric_limits<float>::quiet_NaN();
          if (draw == 5) start.view().at(u, v) = 1e6f;  // far outside the secondary
          if (draw > 5 && draw < 12) start.view().at(u, v) += 3;
          if (random() % 60 == 0) p.refValid.view().at(u, v) = 0;
        }
        for (int x = 0; x < p.sec.width(); ++x) {
          if (random() % 90 == 0) p.secValid.view().at(x, v) = 0;
        }
      }
      RefineOptions options;
      options.iterations = iterations;
      Image<float> expected(width, height);
      for (int v = 0; v < height; ++v) std::copy_n(start.view().row(v), width, expected.view().row(v));
      refineDisparityReference(p.input(), options, expected.view());
      onEveryTarget([&] {
        Image<float> got(width, height);
        for (int v = 0; v < height; ++v) std::copy_n(start.view().row(v), width, got.view().row(v));
        BigBuffer memory(refineBytes(width, height, p.sec.width()));
        std::memset(memory.data(), 0xff, memory.size());  // what others leave behind: NaN
        refineDisparity(p.input(), options, got.view(), memory);
        for (int v = 0; v < height; ++v) {
          for (int u = 0; u < width; ++u) {
            const float e = expected.view().at(u, v), g = got.view().at(u, v);
            ASSERT_TRUE(e == g || (std::isnan(e) && std::isnan(g)))
                << width << 'x' << height << " iterations " << iterations << " at " << u << ' ' << v << ": " << e << " " << g;
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace altiplano
