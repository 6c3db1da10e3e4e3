// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_VALIDITY_H_
#define ALTIPLANO_KERNELS_VALIDITY_H_

#include <cstdint>

namespace altiplano {

// Why a rectified pixel has no disparity; 0 = it has one. One meaning per bit, everywhere
// (lib/types.ts has the same list for TypeScript).
enum Validity : uint16_t {
  kValid = 0,
  kNoDataReference = 1 << 0,   // the reference image has no data here
  kOutsideSecondary = 1 << 1,  // no candidate falls on valid secondary pixels
  kBorder = 1 << 2,            // the census window meets no-data or the edge
  kRangeEdge = 1 << 3,         // the best disparity is the first or last searched: the true one may lie outside
  kLeftRight = 1 << 4,         // left and right disparities disagree: occluded or wrong
  kSpeckle = 1 << 5,           // part of a small isolated region
  kAmbiguous = 1 << 6,         // no texture or repeated texture: the minimum isn't distinct
  kOutlier = 1 << 7,           // far from its neighbourhood (median, height range)
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_VALIDITY_H_
