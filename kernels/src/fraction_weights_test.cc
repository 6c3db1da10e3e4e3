// SPDX-License-Identifier: Apache-2.0
#include "fraction_weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace altiplano {
namespace {

// The weight of pixel i at 3 + t.
double weightOf(int i, double t) {
  const FractionWeights& all = fractionWeights();
  const double s = t - 0.5, z = s * s;
  const auto at = [&](const float (&c)[3]) { return c[0] + z * (c[1] + z * static_cast<double>(c[2])); };
  const int pair = i < kTapPairs ? i : kTaps - 1 - i;
  return at(all.even[pair]) + (i < kTapPairs ? s : -s) * at(all.odd[pair]);
}

TEST(FractionWeights, DifferFromTheExactOnesByLessThanTheyPromise) {
  for (int k = 0; k <= 1000; ++k) {
    const double t = k / 1000.0;
    double exact[kTaps];
    interpolationWeights(t, exact);
    for (int i = 0; i < kTaps; ++i) EXPECT_NEAR(weightOf(i, t), exact[i], 5.3e-5) << "pixel " << i << " at " << t;
  }
}

TEST(FractionWeights, ReproduceConstantsAndRamps) {
  for (int k = 0; k <= 100; ++k) {
    const double t = k / 100.0;
    double sum = 0, ramp = 0;
    for (int i = 0; i < kTaps; ++i) sum += weightOf(i, t), ramp += weightOf(i, t) * i;
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_NEAR(ramp, kTapsBefore + t, 2e-6);
  }
}

TEST(FractionWeights, LeaveWholePixelsAlone) {
  for (int i = 0; i < kTaps; ++i) {
    EXPECT_NEAR(weightOf(i, 0), i == kTapsBefore ? 1 : 0, 1e-6);
    EXPECT_NEAR(weightOf(i, 1), i == kTapsBefore + 1 ? 1 : 0, 1e-6);
  }
}

}  // namespace
}  // namespace altiplano
