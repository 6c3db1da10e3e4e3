// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_MEDIAN_H_
#define ALTIPLANO_KERNELS_MEDIAN_H_

#include "image.h"

namespace altiplano {

// Median over the finite pixels of a size x size window (size odd, at most kMaxMedianSize), for finite pixels only;
// NaN stays NaN. Of an even number of values the one of the two in the middle that is nearer to the pixel's own
// (the lower one of equally near) is taken: a value that exists, never a mean across an edge. Exact.
inline constexpr int kMaxMedianSize = 7;
void medianFilter(ImageView<const float> in, int size, ImageView<float> out);

// The slow twin, and what sizes other than 3 take.
void medianFilterReference(ImageView<const float> in, int size, ImageView<float> out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_MEDIAN_H_
