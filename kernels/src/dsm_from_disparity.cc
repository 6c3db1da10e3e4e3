// SPDX-License-Identifier: Apache-2.0
#include "dsm_from_disparity.h"

#include "triangulate.h"

namespace altiplano {

size_t dsmFromDisparity(const DisparityBlock& block, const DsmGrid& grid, const HeightPrior& prior,
                        const OutlierLimits& limits, const RasterizeOptions& options, BigBuffer& memory, const DsmViews& out) {
  const int width = block.disparity.width;
  const AllowedHeights allowed = allowedHeights(grid.originE, grid.originN, prior, limits);
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(block.disparity.height);
  Rasterizer rasterizer({0, 0, grid.resolution}, options, out.height.width, out.height.height, pixels, memory);
  Image<float> east(width, 1), north(width, 1), up(width, 1);
  const PointViews points{east.view(), north.view(), up.view()};
  size_t dropped = 0;
  for (int j = 0; j < block.disparity.height; ++j) {
    triangulate(denseView(block.disparity.row(j), width, 1), block.u0, block.v0 + j, block.groundFromRect, grid.originE,
                grid.originN, points);
    dropped += dropOutliers(points, allowed);
    rasterizer.add({points.east.row(0), points.north.row(0), points.up.row(0), block.weight.row(j),
                    static_cast<size_t>(width)});
  }
  rasterizer.finish(out);
  return dropped;
}

}  // namespace altiplano
