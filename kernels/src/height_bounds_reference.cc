// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "height_bounds.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The least (or largest) of the cells around that are not NaN.
float extremeAround(ImageView<const float> values, int col, int row, int radius, bool largest) {
  float best = kNaN;
  for (int y = std::max(0, row - radius); y <= std::min(values.height - 1, row + radius); ++y) {
    for (int x = std::max(0, col - radius); x <= std::min(values.width - 1, col + radius); ++x) {
      const float value = values.at(x, y);
      if (std::isnan(best) || (largest ? value > best : value < best)) best = value;
    }
  }
  return best;
}

}  // namespace

void localBoundsReference(ImageView<const float> heights, const LocalBoundsOptions& options, BoundsViews out) {
  const int width = heights.width, height = heights.height;
  Image<float> kept(width, height), low(width, height), high(width, height), span(width, height);
  for (int row = 0; row < height; ++row) {
    for (int col = 0; col < width; ++col) {
      const float value = heights.at(col, row);
      int near = 0;
      for (int y = std::max(0, row - 1); y <= std::min(height - 1, row + 1); ++y) {
        for (int x = std::max(0, col - 1); x <= std::min(width - 1, col + 1); ++x) {
          if (std::fabs(heights.at(x, y) - value) <= options.toleranceM) ++near;
        }
      }
      kept.view().at(col, row) = near >= options.support ? value : kNaN;
    }
  }
  for (int row = 0; row < height; ++row) {
    for (int col = 0; col < width; ++col) {
      low.view().at(col, row) = extremeAround(kept.view(), col, row, options.radius, false);
      high.view().at(col, row) = extremeAround(kept.view(), col, row, options.radius, true);
      span.view().at(col, row) = high.view().at(col, row) - low.view().at(col, row);
    }
  }
  for (int row = 0; row < height; ++row) {
    for (int col = 0; col < width; ++col) {
      const float least = low.view().at(col, row), most = high.view().at(col, row);
      out.low.at(col, row) = least;
      out.high.at(col, row) = most;
      if (options.stepRadius == 0 || std::isnan(least)) continue;
      const float step = extremeAround(span.view(), col, row, options.stepRadius, true);
      out.low.at(col, row) = std::max(extremeAround(low.view(), col, row, options.stepRadius, false), std::min(least, most - step));
      out.high.at(col, row) = std::min(extremeAround(high.view(), col, row, options.stepRadius, true), std::max(most, least + step));
    }
  }
}

}  // namespace altiplano
