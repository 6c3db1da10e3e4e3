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

// The lowest disparities, as smooth as the ranges allow: as many as `counts` says of the row of blocks around the middle of each
// block's range, interpolated between the blocks' centres, then moved as little as makes the pixel's own range fit. low: the pixels of the blocks,
// which cover it. Exact: every target gives the same bits.
void lowestDisparities(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low);

// The slow twin.
void lowestDisparitiesReference(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_LOWEST_DISPARITY_H_
