// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lowest_disparity.h"

namespace altiplano {

void lowestDisparitiesReference(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low) {
  int count = 0;
  const auto centred = [&](int x, int y) {
    const DisparityRange& r = blocks.at(std::clamp(x, 0, blocks.width - 1), std::clamp(y, 0, blocks.height - 1));
    return (r.low + r.high - (count - 1)) / 2;
  };
  for (int j = 0; j < low.height; ++j) {
    count = counts[static_cast<size_t>(j / blocks.side)];
    const float y = (j + 0.5f) / blocks.side - 0.5f;
    const int y0 = static_cast<int>(std::floor(y));
    for (int i = 0; i < low.width; ++i) {
      const float x = (i + 0.5f) / blocks.side - 0.5f;
      const int x0 = static_cast<int>(std::floor(x));
      const float fx = x - x0, fy = y - y0;
      const float top = centred(x0, y0) + fx * (centred(x0 + 1, y0) - centred(x0, y0));
      const float bottom = centred(x0, y0 + 1) + fx * (centred(x0 + 1, y0 + 1) - centred(x0, y0 + 1));
      float value = std::floor(top + fy * (bottom - top) + 0.5f);
      const DisparityRange& own = blocks.at(i / blocks.side, j / blocks.side);
      const float lowest = std::ceil(own.high) - count + 1, highest = std::floor(own.low);
      value = lowest <= highest ? std::clamp(value, lowest, highest)
                                : std::floor(centred(i / blocks.side, j / blocks.side) + 0.5f);
      low.at(i, j) = static_cast<int16_t>(std::clamp(value, -32768.0f, 32767.0f - count));
    }
  }
}

}  // namespace altiplano
