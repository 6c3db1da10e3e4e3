// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "dsm_from_disparity.h"
#include "triangulate.h"

namespace altiplano {

size_t dsmFromDisparityReference(const DisparityBlock& block, const DsmGrid& grid, const HeightPrior& prior,
                                 const OutlierLimits& limits, const RasterizeOptions& options, const DsmViews& out) {
  const int width = block.disparity.width, height = block.disparity.height;
  const size_t n = static_cast<size_t>(width) * static_cast<size_t>(height);
  std::vector<float> east(n), north(n), up(n), weight(n);
  const auto view = [&](std::vector<float>& values) { return denseView(values.data(), width, height); };
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) view(weight).at(i, j) = block.weight.at(i, j);
  }
  const PointViews points{view(east), view(north), view(up)};
  triangulateReference(block.disparity, block.u0, block.v0, block.groundFromRect, grid.originE, grid.originN, points);
  const size_t dropped = dropOutliersReference(points, grid.originE, grid.originN, prior, limits);
  rasterizeDsmReference({east.data(), north.data(), up.data(), weight.data(), n}, {0, 0, grid.resolution}, options, out);
  return dropped;
}

}  // namespace altiplano
