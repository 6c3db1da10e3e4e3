// SPDX-License-Identifier: Apache-2.0
#include "height_summary.h"

#include <algorithm>
#include <array>
#include <vector>

namespace altiplano {

namespace {

// Cells taken at once, in loops that vectorise: what is looked up cell by cell, the bins, comes last.
constexpr int kChunk = 512;

}  // namespace

HeightSummary summarizeHeights(ImageView<const float> height, ImageView<const uint16_t> reason, const HeightBins& bins) {
  HeightSummary sum;
  const auto last = static_cast<float>(bins.size - 1);
  int32_t bin[kChunk];
  // Neighbours fall into the same bins, and would wait for each other. The last one takes cells without a height.
  std::array<std::vector<uint32_t>, 2> counts;
  for (auto& half : counts) half.resize(static_cast<size_t>(bins.size) + 1);
  for (int y = 0; y < height.height; ++y) {
    int first = height.width, end = 0;
    for (int from = 0; from < height.width; from += kChunk) {
      const int cells = std::min(kChunk, height.width - from);
      const float* heights = height.row(y) + from;
      const uint16_t* reasons = reason.row(y) + from;
      float min = sum.min, max = sum.max;
      int valid = 0;
      for (int i = 0; i < cells; ++i) {
        const bool has = reasons[i] == 0;
        const float low = has ? heights[i] : sum.min, high = has ? heights[i] : sum.max;
        min = low < min ? low : min;
        max = high > max ? high : max;
        valid += has ? 1 : 0;
        const float place = (heights[i] - bins.from) * bins.perMetre;
        const float above = place > 0.0F ? place : 0.0F;
        bin[i] = has ? static_cast<int32_t>(above < last ? above : last) : bins.size;
      }
      if (valid == 0) continue;
      sum.min = min;
      sum.max = max;
      sum.valid += valid;
      for (int i = 0; i < cells; ++i) ++counts[i & 1][static_cast<size_t>(bin[i])];
      int left = 0, right = cells;
      while (reasons[left] != 0) ++left;
      while (reasons[right - 1] != 0) --right;
      first = std::min(first, from + left);
      end = std::max(end, from + right);
    }
    if (end == 0) continue;
    sum.left = std::min(sum.left, first);
    sum.right = std::max(sum.right, end - 1);
    sum.top = std::min(sum.top, y);
    sum.bottom = y;
  }
  for (int i = 0; i < bins.size; ++i) bins.counts[i] += counts[0][static_cast<size_t>(i)] + counts[1][static_cast<size_t>(i)];
  return sum;
}

}  // namespace altiplano
