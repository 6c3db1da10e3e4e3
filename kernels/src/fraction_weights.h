// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_FRACTION_WEIGHTS_H_
#define ALTIPLANO_KERNELS_FRACTION_WEIGHTS_H_

#include "interpolation.h"

namespace altiplano {

// The weights of interpolation.h as polynomials, so that neighbouring pixels are interpolated side by side without looking
// anything up. Between pixels 3 and 4 of the kTaps pixels, at 3 + t, with s = t - 1/2:
//   value = sum over i = 0 ... 3 of E_i(s^2) (pixel i + pixel 7-i) + s O_i(s^2) (pixel i - pixel 7-i),
// E and O of degree 2. They meet the exact weights at whole pixels, reproduce constants and ramps, and differ from the
// exact weights by at most 5.2e-5.
inline constexpr int kTapPairs = kTaps / 2;
struct FractionWeights {
  float even[kTapPairs][3];
  float odd[kTapPairs][3];
};

// The one set, made at first use (thread-safe). The same bits everywhere.
const FractionWeights& fractionWeights();

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_FRACTION_WEIGHTS_H_
