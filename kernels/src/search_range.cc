// SPDX-License-Identifier: Apache-2.0
#include "search_range.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lowest_disparity.h"
#include "sgm.h"

namespace altiplano {
namespace {

constexpr int kStep = 16;
// Beyond this many half extents of the ground it was fitted to, a polynomial may fold back into the block.
constexpr double kDomain = 1.5;
constexpr int kMinBlockPx = 8, kMaxBlockPx = 64;

// Widens the blocks that touch the box, pixels from the first pixel's centre.
void include(RangeBlocks& blocks, double u, double v, double halfU, double halfV, const DisparityRange& range) {
  const double perSide = 1.0 / blocks.side;
  const auto block = [&](double position, int count) {
    return static_cast<int>(std::clamp((position + 0.5) * perSide, 0.0, count - 1.0));
  };
  if (!(u + halfU >= 0 && v + halfV >= 0 && u - halfU < blocks.side * blocks.width &&
        v - halfV < blocks.side * blocks.height)) {
    return;
  }
  const int x0 = block(u - halfU, blocks.width), x1 = block(u + halfU, blocks.width);
  const int y0 = block(v - halfV, blocks.height), y1 = block(v + halfV, blocks.height);
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) blocks.at(x, y).include(range);
  }
}

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

// (u, v, d) of ground on one row of the prior.
struct RectPoint {
  double u, v, d;
};
class RectRow {
 public:
  RectRow(const Poly3& rectFromGround, double n, int u0, int v0)
      : poly_(rectFromGround), rows_{row(0, n), row(1, n), row(2, n)}, u0_(u0), v0_(v0) {}
  RectPoint at(double e, double h) const {
    const double x = (e - poly_.off[0]) / poly_.scale[0], z = (h - poly_.off[2]) / poly_.scale[2];
    return {rows_[0].at(x, z) - u0_, rows_[1].at(x, z) - v0_, rows_[2].at(x, z)};
  }

 private:
  RowPoly3 row(int k, double n) const {
    return RowPoly3(poly_.coefficients[k], poly_.outOff[k], (n - poly_.off[1]) / poly_.scale[1]);
  }
  const Poly3& poly_;
  RowPoly3 rows_[3];
  int u0_, v0_;
};

void splatCells(const Poly3& rectFromGround, const HeightPrior& prior, int u0, int v0, double pixelM,
                RangeBlocks& blocks) {
  // Half the diagonal: how a cell lies in the turned frame does not matter.
  const double reach = 0.7072 * prior.resolution / pixelM;
  for (int j = 0; j < prior.low.height; ++j) {
    const double n = prior.originN - (j + 0.5) * prior.resolution;
    if (std::abs(n - rectFromGround.off[1]) > kDomain * rectFromGround.scale[1]) continue;
    const RectRow row(rectFromGround, n, u0, v0);
    for (int i = 0; i < prior.low.width; ++i) {
      const float lowM = prior.low.at(i, j), highM = prior.high.at(i, j);
      if (!(lowM <= highM)) continue;
      const double e = prior.originE + (i + 0.5) * prior.resolution;
      if (std::abs(e - rectFromGround.off[0]) > kDomain * rectFromGround.scale[0]) continue;
      const RectPoint low = row.at(e, lowM), high = row.at(e, highM);
      // The segment in pieces no longer than a block, so that tall ranges don't smear over all they cross.
      const int pieces = std::max(
          1, static_cast<int>(std::ceil(std::max(std::abs(high.u - low.u), std::abs(high.v - low.v)) / blocks.side)));
      for (int piece = 0; piece < pieces; ++piece) {
        const double from = static_cast<double>(piece) / pieces, to = (piece + 1.0) / pieces, middle = (from + to) / 2;
        const auto along = [&](double a, double b, double t) { return a + (b - a) * t; };
        const double dFrom = along(low.d, high.d, from), dTo = along(low.d, high.d, to);
        include(blocks, along(low.u, high.u, middle), along(low.v, high.v, middle),
                reach + std::abs(high.u - low.u) / pieces / 2, reach + std::abs(high.v - low.v) / pieces / 2,
                {static_cast<float>(std::min(dFrom, dTo)), static_cast<float>(std::max(dFrom, dTo))});
      }
    }
  }
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

void widenByNeighbours(RangeBlocks& blocks) {
  std::vector<DisparityRange> next(blocks.ranges.size());
  for (int y = 0; y < blocks.height; ++y) {
    for (int x = 0; x < blocks.width; ++x) next[static_cast<size_t>(y) * blocks.width + x] = around(blocks, x, y);
  }
  blocks.ranges = std::move(next);
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
  splatCells(rectFromGround, prior, u0, v0, options.pixelM, blocks);
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
