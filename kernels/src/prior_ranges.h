// SPDX-License-Identifier: Apache-2.0
// The first step of searchRange: from the cells of a height prior to blocks of pixels.
#ifndef ALTIPLANO_KERNELS_PRIOR_RANGES_H_
#define ALTIPLANO_KERNELS_PRIOR_RANGES_H_

#include "lowest_disparity.h"
#include "polynomial.h"
#include "search_range.h"

namespace altiplano {

// Where the blocks begin, rectified pixels, and a pixel's side on the ground, metres.
struct BlocksPlace {
  int u0, v0;
  double pixelM;
};

// Widens each block by the disparities of the prior's cells that fall on it. A cell is seen as a segment, from its lowest to its
// highest point; of a long one, each piece widens only the blocks it touches.
void includePrior(const Poly3& rectFromGround, const HeightPrior& prior, const BlocksPlace& place, RangeBlocks& blocks);

// The slow twin.
void includePriorReference(const Poly3& rectFromGround, const HeightPrior& prior, const BlocksPlace& place, RangeBlocks& blocks);

// Beyond this many half extents of the ground it was fitted to, a polynomial may fold back into the block.
inline constexpr double kPriorDomain = 1.5;

// A segment of more blocks than this is no ground.
inline constexpr double kMostPieces = 1e6;

// Half the diagonal of a cell, pixels: how it lies in the turned frame does not matter.
inline double cellReach(const HeightPrior& prior, double pixelM) { return 0.7072 * prior.resolution / pixelM; }

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_PRIOR_RANGES_H_
