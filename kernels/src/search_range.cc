// SPDX-License-Identifier: Apache-2.0
#include "search_range.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lowest_disparity.h"
#include "prior_ranges.h"
#include "sgm.h"

namespace altiplano {
namespace {

constexpr int kStep = 16;
constexpr int kMinBlockPx = 8, kMaxBlockPx = 64;

// The ranges known in the 3 x 3 blocks around.
DisparityRange around(const RangeBlocks& blocks, int x0, int y0) {
  DisparityRange range;
  for (int y = std::max(0, y0 - 1); y <= std::min(blocks.height - 1, y0 + 1); ++y) {
    for (int x = std::max(0, x0 - 1); x <= std::min(blocks.width - 1, x0 + 1); ++x) {
      if (blocks.at(x, y).known()) range.include(blocks.at(x, y));
    }
  }
  return range;
}

// Fills blocks without a range from those around them, ring by ring. False where there is none at all.
bool fillFromNeighbours(RangeBlocks& blocks) {
  bool any = true;
  while (std::any_of(blocks.ranges.begin(), blocks.ranges.end(), [](const DisparityRange& r) { return !r.known(); }) && any) {
    any = false;
    std::vector<DisparityRange> next = blocks.ranges;
    for (int y = 0; y < blocks.height; ++y) {
      for (int x = 0; x < blocks.width; ++x) {
        DisparityRange& range = next[static_cast<size_t>(y) * blocks.width + x];
        if (range.known()) continue;
        range = around(blocks, x, y);
        any = any || range.known();
      }
    }
    blocks.ranges = std::move(next);
  }
  return any;
}

// Each block takes the ranges of the 3 x 3 around: along the rows, then along the columns.
void widenByNeighbours(RangeBlocks& blocks) {
  const int width = blocks.width, height = blocks.height;
  RangeBlocks along{blocks.side, width, height, blocks.ranges};
  for (int y = 0; y < height; ++y) {
    for (int x = 1; x < width; ++x) {
      along.at(x, y).include(blocks.at(x - 1, y));
      along.at(x - 1, y).include(blocks.at(x, y));
    }
  }
  blocks.ranges = along.ranges;
  for (int y = 1; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      blocks.at(x, y).include(along.at(x, y - 1));
      blocks.at(x, y - 1).include(along.at(x, y));
    }
  }
}

}  // namespace

SearchCount searchCount(double disparities, int maxCount) {
  const int wanted = static_cast<int>(std::ceil(std::min(disparities, 32000.0) / kStep)) * kStep;
  return {std::min(wanted, maxCount / kStep * kStep), wanted};
}

SearchCount searchRange(const Poly3& rectFromGround, const HeightPrior& prior, int u0, int v0,
                        const SearchRangeOptions& options, ImageView<int16_t> low, std::span<uint16_t> rowCounts) {
  const int side =
      std::clamp(static_cast<int>(std::min(prior.resolution / options.pixelM, 1e3)), kMinBlockPx, kMaxBlockPx);
  RangeBlocks blocks{side, (low.width + side - 1) / side, (low.height + side - 1) / side, {}};
  blocks.ranges.resize(static_cast<size_t>(blocks.width) * blocks.height);
  includePrior(rectFromGround, prior, {u0, v0, options.pixelM}, blocks);
  if (!fillFromNeighbours(blocks)) return {0, 0};
  widenByNeighbours(blocks);
  std::vector<float> widest(static_cast<size_t>(blocks.height), 0.0f);
  for (int y = 0; y < blocks.height; ++y) {
    for (int x = 0; x < blocks.width; ++x) {
      DisparityRange& range = blocks.at(x, y);
      range.low -= static_cast<float>(options.slackPx);
      range.high += static_cast<float>(options.slackPx);
      widest[y] = std::max(widest[y], std::ceil(range.high) - std::floor(range.low));
    }
  }
  const SearchCount count = searchCount(*std::max_element(widest.begin(), widest.end()) + 1.0, options.maxCount);
  std::vector<int> counts(widest.size());
  for (size_t y = 0; y < counts.size(); ++y) {
    const int wanted = searchCount(widest[y] + 1.0, count.count).wanted;
    counts[y] = rowCounts.empty() ? count.count : std::min(count.count, (wanted + kSgmPadding - 1) / kSgmPadding * kSgmPadding);
  }
  for (size_t v = 0; v < rowCounts.size(); ++v) rowCounts[v] = static_cast<uint16_t>(counts[v / blocks.side]);
  lowestDisparities(blocks, counts, low);
  return count;
}

}  // namespace altiplano
