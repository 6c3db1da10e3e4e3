// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_DROP_OUTLIERS_H_
#define ALTIPLANO_KERNELS_DROP_OUTLIERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "search_range.h"
#include "triangulate.h"

namespace altiplano {

// Metres.
struct OutlierLimits {
  double low, high;  // heights of the whole tile: the bounds where there is no prior
  double slack;      // a height may lie outside its bounds by so much
  double tower;      // and above them by so much more
  double searched;   // heights searched at each pixel
};

// Drops, in place, the points that can only have matched by chance; returns how many. A point goes where its height lies
// outside the bounds of its own ground cell by more than the slack, and where those are further apart than what was
// searched. Outside of the prior's grid the bounds are the tile's, which always count as searched. points: metres east and
// north of the origin, NaN = none. In single precision: a point within 0.1 mm of a cell's edge may count to either
// cell, and bounds are good to 0.5 mm. Exact: every target gives the same bits.
size_t dropOutliers(const PointViews& points, double originE, double originN, const HeightPrior& prior,
                    const OutlierLimits& limits);

// The heights that may stay, by cell of the prior, row by row; one more at the end for what lies outside.
struct AllowedHeights {
  std::vector<int64_t> bounds;  // the bits of lowest and highest: both come with one load
  int width, height;
  float east, south, perMetre;  // of the points' origin in the prior's grid
};
AllowedHeights allowedHeights(double originE, double originN, const HeightPrior& prior, const OutlierLimits& limits);

// The same for a part of the points, such as a row.
size_t dropOutliers(const PointViews& points, const AllowedHeights& allowed);

// The slow twin.
size_t dropOutliersReference(const PointViews& points, double originE, double originN, const HeightPrior& prior,
                             const OutlierLimits& limits);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_DROP_OUTLIERS_H_
