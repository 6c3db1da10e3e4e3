// SPDX-License-Identifier: Apache-2.0
// The last step of searchRange: from blocks of pixels to pixels.
#ifndef ALTIPLANO_KERNELS_LOWEST_DISPARITY_H_
#define ALTIPLANO_KERNELS_LOWEST_DISPARITY_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "image.h"

namespace altiplano {

// Disparities wanted in a block; low > high: none known.
struct DisparityRange {
  float low = std::numeric_limits<float>::infinity(), high = -std::numeric_limits<float>::infinity();
  bool known() const { return low <= high; }
  void include(const DisparityRange& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

// Square blocks of pixels, row-major.
struct RangeBlocks {
  int side, width, height;
  std::vector<DisparityRange> ranges;
  DisparityRange& at(int x, int y) { return ranges[static_cast<size_t>(y) * width + x]; }
  const DisparityRange& at(int x, int y) const { return ranges[static_cast<size_t>(y) * width + x]; }
};

// low: the lowest disparity of each pixel, as smooth as the ranges allow. A block searches as many disparities as `counts` says of its row of
// blocks, around the middle of its range; a pixel's lowest is interpolated between the blocks' centres, then moved as little as makes its own
// block's range fit. The blocks cover `low`. Exact: every target gives the same bits.
void lowestDisparities(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low);

// The slow twin.
void lowestDisparitiesReference(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_LOWEST_DISPARITY_H_
