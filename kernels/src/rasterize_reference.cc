// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "rasterize.h"
#include "rasterize_cell.h"

namespace altiplano {

void rasterizeDsmReference(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                           const DsmViews& out) {
  const int width = out.height.width, height = out.height.height, radius = options.radius;
  const float east = static_cast<float>(place.eastM), south = static_cast<float>(place.southM);
  const float perMetre = static_cast<float>(1 / place.resolution);
  // With `radius` more cells on every side.
  const int columns = width + 2 * radius, rows = height + 2 * radius;
  std::vector<std::vector<CellPoint>> cells(static_cast<size_t>(columns) * rows);
  for (size_t i = 0; i < points.n; ++i) {
    const float x = (points.east[i] + east) * perMetre, y = (south - points.north[i]) * perMetre;
    const bool inside = x >= -radius && y >= -radius && x < width + radius && y < height + radius;  // false for NaN
    if (!inside || !(points.weight[i] > 0) || !std::isfinite(points.weight[i]) || !std::isfinite(points.up[i])) continue;
    const float column = std::floor(x), row = std::floor(y);
    cells[static_cast<size_t>(row + radius) * columns + static_cast<size_t>(column + radius)].push_back(
        {(x - column) - 0.5f, (y - row) - 0.5f, points.up[i], points.weight[i]});
  }
  const DistanceWeight distanceWeight(options.sigma);
  std::vector<CellPoint> around;
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) {
      around.clear();
      for (int dy = -radius; dy <= radius; ++dy) {
        for (int dx = -radius; dx <= radius; ++dx) {
          for (CellPoint p : cells[static_cast<size_t>(j + dy + radius) * columns + (i + dx + radius)]) {
            p.x += static_cast<float>(dx);
            p.y += static_cast<float>(dy);
            around.push_back(p);
          }
        }
      }
      const CellValue value = cellOf(around, distanceWeight, static_cast<float>(options.stepM));
      out.height.at(i, j) = value.height;
      out.weight.at(i, j) = value.weight;
      out.spread.at(i, j) = value.spread;
      out.count.at(i, j) = value.count;
    }
  }
}

}  // namespace altiplano
