// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <vector>

#include "speckle.h"
#include "validity.h"

namespace altiplano {

void removeSpecklesReference(const DisparityViews& map, int smallest, float stepPx) {
  const int width = map.disparity.width, height = map.disparity.height;
  Image<uint8_t> seen(width, height);
  // The pixels of the region at hand, in the order they were reached: both the queue and the result.
  std::vector<int> region;
  region.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      if (seen.view().at(u, v) != 0 || map.validity.at(u, v) != 0) continue;
      region.clear();
      region.push_back(v * width + u);
      seen.view().at(u, v) = 1;
      for (size_t next = 0; next < region.size(); ++next) {
        const int x = region[next] % width, y = region[next] / width;
        const float here = map.disparity.at(x, y);
        const auto reach = [&](int nx, int ny) {
          if (nx < 0 || nx >= width || ny < 0 || ny >= height) return;
          if (seen.view().at(nx, ny) != 0 || map.validity.at(nx, ny) != 0) return;
          if (std::fabs(map.disparity.at(nx, ny) - here) > stepPx) return;
          seen.view().at(nx, ny) = 1;
          region.push_back(ny * width + nx);
        };
        reach(x - 1, y);
        reach(x + 1, y);
        reach(x, y - 1);
        reach(x, y + 1);
      }
      if (region.size() >= static_cast<size_t>(smallest)) continue;
      for (const int pixel : region) {
        const int x = pixel % width, y = pixel / width;
        map.validity.at(x, y) |= kSpeckle;
        map.disparity.at(x, y) = std::numeric_limits<float>::quiet_NaN();
        map.confidence.at(x, y) = 0;
      }
    }
  }
}

}  // namespace altiplano
