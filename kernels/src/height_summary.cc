// SPDX-License-Identifier: Apache-2.0
#include "height_summary.h"

#include <algorithm>

namespace altiplano {

HeightSummary summarizeHeights(ImageView<const float> height, ImageView<const uint16_t> reason, const HeightBins& bins) {
  HeightSummary sum;
  const auto last = static_cast<float>(bins.size - 1);
  for (int y = 0; y < height.height; ++y) {
    const float* heights = height.row(y);
    const uint16_t* reasons = reason.row(y);
    int64_t valid = 0;
    for (int x = 0; x < height.width; ++x) {
      if (reasons[x] != 0) continue;
      if (valid++ == 0) sum.left = std::min(sum.left, x);
      sum.right = std::max(sum.right, x);
      sum.min = std::min(sum.min, heights[x]);
      sum.max = std::max(sum.max, heights[x]);
      ++bins.counts[static_cast<int>(std::clamp((heights[x] - bins.from) * bins.perMetre, 0.0F, last))];
    }
    if (valid == 0) continue;
    sum.valid += valid;
    sum.top = std::min(sum.top, y);
    sum.bottom = y;
  }
  return sum;
}

}  // namespace altiplano
