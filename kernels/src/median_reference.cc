// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "median.h"

namespace altiplano {

void medianFilterReference(ImageView<const float> in, int size, ImageView<float> out) {
  const int radius = size / 2;
  float values[kMaxMedianSize * kMaxMedianSize];
  for (int v = 0; v < in.height; ++v) {
    for (int u = 0; u < in.width; ++u) {
      const float own = in.at(u, v);
      out.at(u, v) = own;
      if (std::isnan(own)) continue;
      int count = 0;
      for (int y = std::max(0, v - radius); y <= std::min(in.height - 1, v + radius); ++y) {
        for (int x = std::max(0, u - radius); x <= std::min(in.width - 1, u + radius); ++x) {
          if (!std::isnan(in.at(x, y))) values[count++] = in.at(x, y);
        }
      }
      float* const upper = values + count / 2;
      std::nth_element(values, upper, values + count);
      float median = *upper;
      if (count % 2 == 0) {
        const float lower = *std::max_element(values, upper);
        if (std::fabs(lower - own) <= std::fabs(median - own)) median = lower;
      }
      out.at(u, v) = median;
    }
  }
}

}  // namespace altiplano
