// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_CENSUS_H_
#define ALTIPLANO_KERNELS_CENSUS_H_

#include <cstdint>

#include "image.h"

namespace altiplano {

inline constexpr int kCensusRadiusU = 3;
inline constexpr int kCensusRadiusV = 2;
inline constexpr int kCensusBits = (2 * kCensusRadiusU + 1) * (2 * kCensusRadiusV + 1) - 1;
static_assert(kCensusBits <= 62);  // codes are made in two halves of at most 31 bits
// A window may lack two thirds of its neighbours, as in the corner of an image: 11 are left to compare.
inline constexpr int kCensusMaxMissing = 23;

// Census transform: bit k is 1 where neighbour k of the 7x5 window is darker than the centre (34 bits,
// row-major from the upper left, centre left out). The window repeats the image's edge pixels beyond the edge;
// a neighbour without data counts as not darker, so that images are matched up to their very edge.
// in: (height, width) intensities; valid: same shape, 1 = has data. validity gets 0, kNoDataReference where
// the centre has no data, kBorder where more than kCensusMaxMissing of its window have none; the code is 0 there.
// Exact: every target gives the same bits. Source: Zabih and Woodfill, ECCV 1994.
void censusTransform(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint64_t> out,
                     ImageView<uint16_t> validity);

// The slow twin.
void censusTransformReference(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint64_t> out,
                              ImageView<uint16_t> validity);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_CENSUS_H_
