// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "drop_outliers.h"

namespace altiplano {

size_t dropOutliersReference(const PointViews& points, double originE, double originN, const HeightPrior& prior,
                             const OutlierLimits& limits) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const float east = static_cast<float>(originE - prior.originE), south = static_cast<float>(prior.originN - originN);
  const float perMetre = static_cast<float>(1 / prior.resolution);
  size_t dropped = 0;
  for (int j = 0; j < points.up.height; ++j) {
    for (int i = 0; i < points.up.width; ++i) {
      const float height = points.up.at(i, j);
      if (height != height) continue;
      const float x = (points.east.at(i, j) + east) * perMetre, y = (south - points.north.at(i, j)) * perMetre;
      double low = limits.low, high = limits.high;
      bool searched = true;
      if (x >= 0 && y >= 0 && x < prior.low.width && y < prior.low.height) {
        low = prior.low.at(static_cast<int>(x), static_cast<int>(y));
        high = prior.high.at(static_cast<int>(x), static_cast<int>(y));
        searched = high - low <= limits.searched;
      }
      const bool likely = height >= static_cast<float>(low - limits.slack) &&
                          height <= static_cast<float>(high + limits.slack + limits.tower);
      if (searched && likely) continue;
      points.east.at(i, j) = points.north.at(i, j) = points.up.at(i, j) = kNaN;
      ++dropped;
    }
  }
  return dropped;
}

}  // namespace altiplano
