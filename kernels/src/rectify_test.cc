// SPDX-License-Identifier: Apache-2.0
#include "rectify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "interpolation.h"
#include "rectify_lines.h"
#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr double kPi = 3.14159265358979323846;
const ImageView<const uint8_t> kNoMask{};

// Rotation by `degrees` about (uc, vc), which falls on image position (cc, rc).
ImageFromRect rotation(double degrees, double uc, double vc, double cc, double rc) {
  const double c = std::cos(degrees * kPi / 180), s = std::sin(degrees * kPi / 180);
  ImageFromRect map;
  map.uOff = uc, map.vOff = vc, map.uScale = 100, map.vScale = 50;
  map.col[0] = cc, map.col[1] = 100 * c, map.col[2] = -50 * s;
  map.row[0] = rc, map.row[1] = 100 * s, map.row[2] = 50 * c;
  return map;
}

template <typename T>
Image<T> noise(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  Image<T> image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.view().at(x, y) = static_cast<T>(random() % 251);
  }
  return image;
}

template <typename T>
void expectTwin(int sourceWidth, int sourceHeight, const ImageFromRect& map, int u0, int v0, int width, int height,
                ImageView<const uint8_t> mask) {
  const Image<T> image = noise<T>(sourceWidth, sourceHeight, 7);
  Image<float> copy(sourceWidth, sourceHeight), expected(width, height);
  Image<uint8_t> expectedValid(width, height);
  for (int y = 0; y < sourceHeight; ++y) {
    for (int x = 0; x < sourceWidth; ++x) copy.view().at(x, y) = image.view().at(x, y);
  }
  rectifyReference({copy.view(), mask, 11, 5}, map, u0, v0, nullptr, expected.view(), expectedValid.view());
  onEveryTarget([&] {
    Image<float> out(width, height);
    Image<uint8_t> valid(width, height);
    rectify<T>({image.view(), mask, 11, 5}, map, u0, v0, nullptr, out.view(), valid.view());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        ASSERT_EQ(valid.view().at(x, y), expectedValid.view().at(x, y)) << x << ", " << y;
        ASSERT_EQ(out.view().at(x, y), expected.view().at(x, y)) << x << ", " << y;
      }
    }
  });
}

TEST(Rectify, EqualsItsTwinOnOddSizesOnEveryTargetForEveryPixelType) {
  Image<uint8_t> mask = noise<uint8_t>(61, 47, 3);
  for (int y = 0; y < 47; ++y) {
    for (int x = 0; x < 61; ++x) mask.view().at(x, y) = mask.view().at(x, y) > 1;
  }
  ImageFromRect curved = rotation(87.3, 30, 20, 41.2, 28.9);
  curved.col[3] = 0.4, curved.row[4] = -0.3, curved.col[6] = 0.05, curved.row[9] = 0.02;
  for (const ImageView<const uint8_t>& m : {kNoMask, ImageView<const uint8_t>(mask.view())}) {
    expectTwin<uint8_t>(61, 47, curved, -9, -15, 71, 83, m);
    expectTwin<uint16_t>(61, 47, rotation(-12, 0, 0, 30, 20), 0, 0, 33, 1, m);
    expectTwin<int16_t>(61, 47, rotation(180, 30, 20, 41, 25), -3, -7, 67, 65, m);
    expectTwin<float>(61, 47, rotation(0, 0, 0, 11, 5), 0, 0, 61, 47, m);
    expectTwin<float>(61, 47, rotation(90, 0, 0, 14.5, 5), -3, -40, 5, 45, m);
    expectTwin<uint16_t>(61, 47, rotation(-40, 30, 20, 41, 25), -9, -15, 71, 83, m);
    expectTwin<uint8_t>(61, 47, rotation(105, 30, 20, 41, 25), -40, -70, 131, 93, m);
  }
  expectTwin<uint8_t>(1, 1, rotation(0, 0, 0, 11, 5), -1, -1, 3, 3, kNoMask);
  expectTwin<uint8_t>(7, 9, rotation(3, 0, 0, 11, 5), -2, -2, 13, 11, kNoMask);
}

TEST(Rectify, AnIdentityTransformCopiesTheWindowWithItsBorder) {
  const Image<uint16_t> image = noise<uint16_t>(23, 17, 1);
  Image<float> out(25, 19);
  Image<uint8_t> valid(25, 19);
  rectify<uint16_t>({image.view(), kNoMask, 100, 200}, rotation(0, 0, 0, 0, 0), 99, 199, nullptr, out.view(),
          valid.view());
  for (int y = 0; y < 19; ++y) {
    for (int x = 0; x < 25; ++x) {
      const bool inside = x >= 1 && y >= 1 && x <= 23 && y <= 17;
      EXPECT_EQ(valid.view().at(x, y), inside);
      EXPECT_EQ(out.view().at(x, y), inside ? image.view().at(x - 1, y - 1) : 0);
    }
  }
}

TEST(Rectify, AnImageIsOfUseBetweenTheCentresOfItsOuterPixels) {
  const Image<uint16_t> image = noise<uint16_t>(20, 20, 1);
  Image<float> out(22, 22);
  Image<uint8_t> valid(22, 22);
  rectify<uint16_t>({image.view(), kNoMask, 0, 0}, rotation(0, 0, 0, 0.5, 0.25), -1, -1, nullptr, out.view(), valid.view());
  for (int y = 0; y < 22; ++y) {
    for (int x = 0; x < 22; ++x) {
      EXPECT_EQ(valid.view().at(x, y), x >= 1 && x - 1 + 0.5 <= 19 && y >= 1 && y - 1 + 0.25 <= 19) << x << ", " << y;
    }
  }
}

TEST(Rectify, KeepsARampARampUpToTheEdges) {
  Image<float> image(40, 40);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) image.view().at(x, y) = static_cast<float>(100 + 3 * x);
  }
  Image<float> out(39, 1);
  Image<uint8_t> valid(39, 1);
  rectify<float>({image.view(), kNoMask, 0, 0}, rotation(0, 0, 0, 0.5, 20.5), 0, 0, nullptr, out.view(), valid.view());
  for (int u = 0; u < 39; ++u) {
    ASSERT_TRUE(valid.view().at(u, 0));
    EXPECT_NEAR(out.view().at(u, 0), 100 + 3 * (u + 0.5), 1e-3) << u;
  }
}

TEST(Rectify, OneMissingPixelInvalidatesItsKernelsAndNothingElse) {
  // Shifted by (0.5, 0.25): output (x, y) reads columns x - 3 .. x + 4 and rows y - 3 .. y + 4.
  Image<float> image = noise<float>(40, 40, 1);
  const Image<float> whole = noise<float>(40, 40, 1);
  image.view().at(20, 15) = std::numeric_limits<float>::quiet_NaN();
  Image<float> out(30, 30), expected(30, 30);
  Image<uint8_t> valid(30, 30);
  const ImageFromRect map = rotation(0, 0, 0, 0.5, 0.25);
  rectify<float>({whole.view(), kNoMask, 0, 0}, map, 4, 4, nullptr, expected.view(), valid.view());
  rectify<float>({image.view(), kNoMask, 0, 0}, map, 4, 4, nullptr, out.view(), valid.view());
  for (int y = 4; y < 34; ++y) {
    for (int x = 4; x < 34; ++x) {
      const bool reads = x - 3 <= 20 && 20 <= x + 4 && y - 3 <= 15 && 15 <= y + 4;
      EXPECT_EQ(valid.view().at(x - 4, y - 4), !reads) << x << ", " << y;
      EXPECT_EQ(out.view().at(x - 4, y - 4), reads ? 0 : expected.view().at(x - 4, y - 4));
    }
  }
}

TEST(Rectify, ReproducesRampsWithoutBiasAtEveryPhase) {
  Image<float> image(80, 80);
  for (int y = 0; y < 80; ++y) {
    for (int x = 0; x < 80; ++x) image.view().at(x, y) = static_cast<float>(3 * x - 2 * y);
  }
  Image<float> out(50, 50);
  Image<uint8_t> valid(50, 50);
  const ImageFromRect map = rotation(86.7, 25, 25, 40, 40);
  rectify<float>({image.view(), kNoMask, 0, 0}, map, 0, 0, nullptr, out.view(), valid.view());
  const double c = std::cos(86.7 * kPi / 180), s = std::sin(86.7 * kPi / 180);
  double error = 0;
  for (int v = 0; v < 50; ++v) {
    for (int u = 0; u < 50; ++u) {
      ASSERT_TRUE(valid.view().at(u, v));
      const double col = 40 + c * (u - 25) - s * (v - 25), row = 40 + s * (u - 25) + c * (v - 25);
      // Positions are rounded to a phase: half of one times the slopes.
      error += out.view().at(u, v) - (3 * col - 2 * row);
      ASSERT_NEAR(out.view().at(u, v), 3 * col - 2 * row, (3 + 2) * 0.5 / kPhases + 2e-4);
    }
  }
  EXPECT_NEAR(error / 2500, 0, 2e-4);
}

// Sum of plane waves up to `nyquist` of the Nyquist frequency along each axis.
struct Waves {
  std::vector<double> kx, ky, phase;
  Waves(double nyquist, int count) {
    std::mt19937 random(5);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int i = 0; i < count; ++i) {
      kx.push_back(uniform(random) * nyquist * kPi);
      ky.push_back(uniform(random) * nyquist * kPi);
      phase.push_back(uniform(random) * kPi);
    }
  }
  double at(double x, double y) const {
    double sum = 0;
    for (size_t i = 0; i < kx.size(); ++i) sum += std::cos(kx[i] * x + ky[i] * y + phase[i]);
    return sum;
  }
};

TEST(Rectify, InterpolatesABandLimitedSignalWithinTheStatedError) {
  struct Case {
    double degrees, nyquist, worstRms;
  };
  for (const auto& [degrees, nyquist, worstRms] :
       {Case{93.1, 0.3, 0.003}, Case{93.1, 0.6, 0.0032}, Case{93.1, 0.7, 0.0096}, Case{15, 0.6, 0.0035}, Case{15, 0.7, 0.027},
        Case{105, 0.6, 0.0035}, Case{45, 0.6, 0.0032}, Case{45, 0.7, 0.011}}) {
    const Waves waves(nyquist, 40);
    Image<float> image(160, 160);
    for (int y = 0; y < 160; ++y) {
      for (int x = 0; x < 160; ++x) image.view().at(x, y) = static_cast<float>(waves.at(x, y));
    }
    Image<float> out(100, 100);
    Image<uint8_t> valid(100, 100);
    rectify<float>({image.view(), kNoMask, 0, 0}, rotation(degrees, 50, 50, 80, 80), 0, 0, nullptr, out.view(), valid.view());
    const double c = std::cos(degrees * kPi / 180), s = std::sin(degrees * kPi / 180);
    double error2 = 0, signal2 = 0;
    for (int v = 0; v < 100; ++v) {
      for (int u = 0; u < 100; ++u) {
        const double truth = waves.at(80 + c * (u - 50) - s * (v - 50), 80 + s * (u - 50) + c * (v - 50));
        error2 += std::pow(out.view().at(u, v) - truth, 2);
        signal2 += truth * truth;
      }
    }
    EXPECT_LT(std::sqrt(error2 / signal2), worstRms) << degrees << " degrees, up to " << nyquist << " Nyquist";
  }
}

TEST(Rectify, APixelIsTheSameInWhateverBlockItIsAskedFor) {
  const Image<uint8_t> image = noise<uint8_t>(300, 300, 4);
  for (const double degrees : {4.0, 40.0, 97.0}) {
    const ImageFromRect map = rotation(degrees, 0, 0, 150, 150);
    Image<float> whole(150, 140), part(50, 61);
    Image<uint8_t> wholeValid(150, 140), partValid(50, 61);
    rectify<uint8_t>({image.view(), kNoMask, 0, 0}, map, -80, -75, nullptr, whole.view(), wholeValid.view());
    std::fill_n(part.view().row(0), 61 * part.view().stride, 7.0f);
    std::fill_n(partValid.view().row(0), 61 * partValid.view().stride, uint8_t{7});
    std::vector<int32_t> extents;
    for (int j = 0; j < 61; ++j) extents.insert(extents.end(), {j % 3 == 0 ? 0 : j % 40, j % 7 == 0 ? 0 : 50 - j % 20});
    rectify<uint8_t>({image.view(), kNoMask, 0, 0}, map, -31, -33, extents.data(), part.view(), partValid.view());
    for (int j = 0; j < 61; ++j) {
      for (int i = 0; i < 50; ++i) {
        const bool isWanted = i >= extents[2 * j] && i < extents[2 * j + 1];
        ASSERT_EQ(partValid.view().at(i, j), isWanted);
        ASSERT_EQ(part.view().at(i, j), isWanted ? whole.view().at(i + 49, j + 42) : 0);
      }
    }
  }
}

TEST(RectifyLines, LeaveOutLessThanAHundredthOfAPhase) {
  // 0.05 px of bend over a block.
  ImageFromRect map = rotation(92, 0, 0, 1000, 1000);
  map.col[3] = 0.03, map.row[4] = 0.05, map.col[5] = 0.01, map.row[6] = 0.0025;
  const BlockLine line = BlockLines(map, LineKind::kConstantV, 0, 0).line(17);
  for (int u = 0; u <= kBlock; ++u) {
    const ImagePosition at = imagePosition(map, u, 17);
    EXPECT_NEAR(line.colAt(at.row), at.col, 0.01 / kPhases);
  }
}

TEST(InterpolationWeights, KeepGainShiftAndResponseWithinTheStatedErrors) {
  double worstResponse = 0, worstDelay = 0;
  for (int k = 0; k <= 256; ++k) {
    const double tau = k / 256.0;
    double w[kTaps], mirrored[kTaps];
    interpolationWeights(tau, w);
    interpolationWeights(1 - tau, mirrored);
    double sum = 0, moment = 0;
    for (int i = 0; i < kTaps; ++i) {
      sum += w[i], moment += w[i] * (i - kTapsBefore);
      EXPECT_NEAR(w[i], mirrored[kTaps - 1 - i], 1e-12);
    }
    EXPECT_NEAR(sum, 1, 1e-13);
    EXPECT_NEAR(moment, tau, 1e-12);
    for (double omega = 0.02 * kPi; omega <= 0.6 * kPi; omega += 0.02 * kPi) {
      std::complex<double> response = 0;
      for (int i = 0; i < kTaps; ++i) response += w[i] * std::polar(1.0, omega * (i - kTapsBefore - tau));
      worstResponse = std::max(worstResponse, std::abs(response - 1.0));
      worstDelay = std::max(worstDelay, std::abs(std::arg(response)) / omega);
    }
  }
  EXPECT_LT(worstResponse, 0.0054);
  EXPECT_LT(worstDelay, 0.0009);
}

TEST(InterpolationTable, ErrsByLessThanAFiftyThousandthBetweenItsEntries) {
  const InterpolationTable& table = interpolationTable();
  for (int k = 0; k < kTableSize; ++k) {
    double exact[kTaps];
    interpolationWeights((k + 0.5) / kTableSize, exact);
    for (int i = 0; i < kTaps; ++i) EXPECT_NEAR(table.weight[k][i] + 0.5f * table.step[k][i], exact[i], 2.5e-5);
  }
}

}  // namespace
}  // namespace altiplano
