// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_CENSUS_H_
#define ALTIPLANO_KERNELS_CENSUS_H_

#include <cstdint>

#include "image.h"

namespace altiplano {

inline constexpr int kCensusRadiusU = 3;
inline constexpr int kCensusRadiusV = 2;
inline constexpr int kCensusBits = (2 * kCensusRadiusU + 1) * (2 * kCensusRadiusV + 1) - 1;
// Codes are kept in planes of bytes: bits 8b to 8b + 7 of the codes of row v are row kCensusBytes v + b of such an image.
inline constexpr int kCensusBytes = (kCensusBits + 7) / 8;
// A window may lack two thirds of its neighbours, as in the corner of an image: 11 are left to compare.
inline constexpr int kCensusMaxMissing = 23;

// Census transform: bit k is 1 where neighbour k of the 7x5 window is darker than the centre (34 bits,
// row-major from the upper left, centre left out). The window repeats the image's edge pixels beyond the edge;
// a neighbour without data counts as not darker, so that images are matched up to their very edge.
// in: (height, width) intensities; valid: same shape, 1 = has data; out: (kCensusBytes height, width). validity gets 0, kNoDataReference where
// the centre has no data, kBorder where more than kCensusMaxMissing of its window have none; the code is 0 there.
// Exact: every target gives the same bits. Source: Zabih and Woodfill, ECCV 1994.
void censusTransform(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                     ImageView<uint16_t> validity);

// The code of pixel (u, v), put together from its planes.
inline uint64_t censusCodeAt(ImageView<const uint8_t> codes, int u, int v) {
  uint64_t code = 0;
  for (int b = 0; b < kCensusBytes; ++b) code |= uint64_t{codes.at(u, kCensusBytes * v + b)} << (8 * b);
  return code;
}

// The slow twin.
void censusTransformReference(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                              ImageView<uint16_t> validity);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_CENSUS_H_
