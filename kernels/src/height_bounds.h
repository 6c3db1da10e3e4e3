// SPDX-License-Identifier: Apache-2.0
// Between which heights the level below searches: bounds of every cell from a coarse DSM.
#ifndef ALTIPLANO_KERNELS_HEIGHT_BOUNDS_H_
#define ALTIPLANO_KERNELS_HEIGHT_BOUNDS_H_

#include "image.h"

namespace altiplano {

// Lowest and highest height to expect, metres, one size; NaN in both = nothing known.
struct BoundsViews {
  ImageView<float> low, high;
};
struct ConstBoundsViews {
  ImageView<const float> low, high;
};

struct LocalBoundsOptions {
  int radius = 3;        // cells looked at on every side
  int stepRadius = 6;    // a cell may hide as high a step as the bounds span anywhere within so many cells; 0 = no
  float toleranceM = 1;  // a height counts when, itself included, `support` of the 3 x 3 cells around lie within this of it
  int support = 3;
};

// Lowest and highest supported height in the (2 radius + 1)^2 cells around each cell; NaN where there is none. Isolated
// spikes have no support; a building of three cells does. Among buildings a coarse level takes some roofs for ground and some
// courtyards for roofs: so the bounds are widened, downwards and upwards, to the largest span within `stepRadius`, as far as
// there are such heights; on an even slope, where all spans are alike, nothing changes. heights: NaN = none. `out`: the cells
// from (col0, row0) of `heights` on. Rows are shared out among `threads` threads, at least 1, which changes nothing. Equals its twin.
void localBounds(ImageView<const float> heights, const LocalBoundsOptions& options, BoundsViews out, int col0 = 0, int row0 = 0, int threads = 1);
void localBoundsReference(ImageView<const float> heights, const LocalBoundsOptions& options, BoundsViews out);

// The extremes of the known cells in squares of `factor` cells; out: ceil(size / factor), the last squares may hold fewer.
void reduceBounds(ConstBoundsViews in, int factor, BoundsViews out);

// Fills cells without bounds, pull and push over a pyramid of halved grids: a hole takes the extremes of the known cells around
// it (3 x 3) at the finest scale that has some, so that bounds widen with the hole. Holes larger than 2^maxDoublings cells
// take the fallback. Known cells stay as they are. What is filled depends on cells at most 2^(maxDoublings + 1) away, if
// the grid begins at a multiple of 2^maxDoublings.
void fillBounds(BoundsViews bounds, float fallbackLow, float fallbackHigh, int maxDoublings);

struct WidenOptions {
  double marginM = 0;       // on both sides; twice that in holes
  double shareOfSpan = 0;   // of high - low, on both sides as well
  double lowest = 0, highest = 0;  // the bounds stay inside; all of it where they miss it
};

// Lowest low and highest high of bounds without holes.
struct HeightSpan {
  float low, high;
};
HeightSpan spanOf(ConstBoundsViews bounds);

// Makes bounds final: holes take those of `surroundings`, a grid `factor` times coarser that begins with the same cell.
void widenBounds(BoundsViews bounds, ConstBoundsViews surroundings, int factor, const WidenOptions& options);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_HEIGHT_BOUNDS_H_
