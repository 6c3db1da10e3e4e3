// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_DSM_FROM_DISPARITY_H_
#define ALTIPLANO_KERNELS_DSM_FROM_DISPARITY_H_

#include <cstddef>

#include "big_buffer.h"
#include "drop_outliers.h"
#include "polynomial.h"
#include "rasterize.h"

namespace altiplano {

// Disparities of a rectified block whose pixel (0, 0) is (u0, v0), with the weight of each; and what makes ground of them.
struct DisparityBlock {
  ImageView<const float> disparity, weight;  // of one shape
  int u0, v0;
  const Poly3& groundFromRect;
};

// The grid: its upper left corner and its cell's side, metres. Points are relative to that corner.
struct DsmGrid {
  double originE, originN, resolution;
};

// triangulate, dropOutliers and rasterizeDsm a row of the block at a time, so that its points are never out of the nearest
// caches; returns how many points were dropped. The same bits as the three one after the other, on every target. The points of all
// rows, 20 bytes each, lie in `memory` meanwhile.
size_t dsmFromDisparity(const DisparityBlock& block, const DsmGrid& grid, const HeightPrior& prior,
                        const OutlierLimits& limits, const RasterizeOptions& options, BigBuffer& memory, const DsmViews& out);

// The slow twin: the three slow twins one after the other.
size_t dsmFromDisparityReference(const DisparityBlock& block, const DsmGrid& grid, const HeightPrior& prior,
                                 const OutlierLimits& limits, const RasterizeOptions& options, const DsmViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_DSM_FROM_DISPARITY_H_
