// SPDX-License-Identifier: Apache-2.0
#include "dsm_from_disparity.h"

#include <algorithm>
#include <cmath>

#include "triangulate.h"

namespace altiplano {
namespace {

// From the first disparity of a row to its last: a turned tile leaves a quarter of its block's pixels without any.
struct Extent {
  int first, count;
};
Extent extentOf(const float* row, int width) {
  const auto known = [](float disparity) { return !std::isnan(disparity); };
  const float* first = std::find_if(row, row + width, known);
  const float* end = row + width;
  while (end != first && !known(end[-1])) --end;
  return {static_cast<int>(first - row), static_cast<int>(end - first)};
}

}  // namespace

size_t dsmFromDisparity(const DisparityBlock& block, const DsmGrid& grid, const HeightPrior& prior,
                        const OutlierLimits& limits, const RasterizeOptions& options, BigBuffer& memory, const DsmViews& out) {
  const int width = block.disparity.width;
  const AllowedHeights allowed = allowedHeights(grid.originE, grid.originN, prior, limits);
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(block.disparity.height);
  Rasterizer rasterizer({0, 0, grid.resolution}, options, out.height.width, out.height.height, pixels, memory);
  Image<float> east(width, 1), north(width, 1), up(width, 1);
  size_t dropped = 0;
  for (int j = 0; j < block.disparity.height; ++j) {
    const auto [first, count] = extentOf(block.disparity.row(j), width);
    if (count == 0) continue;
    const PointViews points{denseView(east.view().row(0), count, 1), denseView(north.view().row(0), count, 1), denseView(up.view().row(0), count, 1)};
    triangulate(denseView(block.disparity.row(j) + first, count, 1), block.u0 + first, block.v0 + j, block.groundFromRect, grid.originE,
                grid.originN, points);
    dropped += dropOutliers(points, allowed);
    rasterizer.add({points.east.row(0), points.north.row(0), points.up.row(0), block.weight.row(j) + first, static_cast<size_t>(count)});
  }
  rasterizer.finish(out);
  return dropped;
}

}  // namespace altiplano
