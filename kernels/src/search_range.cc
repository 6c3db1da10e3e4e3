// SPDX-License-Identifier: Apache-2.0
#include "search_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace altiplano {
namespace {

constexpr int kStep = 16;
// Beyond this many half extents of the ground it was fitted to, a polynomial may fold back into the block.
constexpr double kDomain = 1.5;
constexpr int kMinBlockPx = 8, kMaxBlockPx = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Disparities wanted in a block; low > high: none known.
struct Range {
  float low = kInfinity, high = -kInfinity;
  bool known() const { return low <= high; }
  void include(const Range& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

// Square blocks of pixels, row-major.
struct Blocks {
  int side, width, height;
  std::vector<Range> ranges;
  Range& at(int x, int y) { return ranges[static_cast<size_t>(y) * width + x]; }

  // Widens the blocks that touch the box, pixels from the first pixel's centre.
  void include(double u, double v, double halfU, double halfV, const Range& range) {
    const auto block = [&](double position, int blocks) {
      return static_cast<int>(std::clamp(std::floor((position + 0.5) / side), 0.0, blocks - 1.0));
    };
    if (!(u + halfU >= 0 && v + halfV >= 0 && u - halfU < side * width && v - halfV < side * height)) return;
    for (int y = block(v - halfV, height); y <= block(v + halfV, height); ++y) {
      for (int x = block(u - halfU, width); x <= block(u + halfU, width); ++x) at(x, y).include(range);
    }
  }

  // The ranges known in the 3 x 3 blocks around.
  Range around(int x0, int y0) {
    Range range;
    for (int y = std::max(0, y0 - 1); y <= std::min(height - 1, y0 + 1); ++y) {
      for (int x = std::max(0, x0 - 1); x <= std::min(width - 1, x0 + 1); ++x) {
        if (at(x, y).known()) range.include(at(x, y));
      }
    }
    return range;
  }
};

struct RectPoint {
  double u, v, d;
};

RectPoint rectOf(const Poly3& rectFromGround, double e, double n, double h, int u0, int v0) {
  double point[3] = {e, n, h};
  evaluatePoly3(rectFromGround, point, 1, point);
  return {point[0] - u0, point[1] - v0, point[2]};
}

void splatCells(const Poly3& rectFromGround, const HeightPrior& prior, int u0, int v0, double pixelM, Blocks& blocks) {
  // Half the diagonal: how a cell lies in the turned frame does not matter.
  const double reach = 0.7072 * prior.resolution / pixelM;
  for (int j = 0; j < prior.low.height; ++j) {
    for (int i = 0; i < prior.low.width; ++i) {
      const float lowM = prior.low.at(i, j), highM = prior.high.at(i, j);
      if (!(lowM <= highM)) continue;
      const double e = prior.originE + (i + 0.5) * prior.resolution, n = prior.originN - (j + 0.5) * prior.resolution;
      if (std::abs(e - rectFromGround.off[0]) > kDomain * rectFromGround.scale[0] ||
          std::abs(n - rectFromGround.off[1]) > kDomain * rectFromGround.scale[1]) {
        continue;
      }
      const RectPoint low = rectOf(rectFromGround, e, n, lowM, u0, v0);
      const RectPoint high = rectOf(rectFromGround, e, n, highM, u0, v0);
      // The segment in pieces no longer than a block, so that tall ranges don't smear over all they cross.
      const int pieces = std::max(
          1, static_cast<int>(std::ceil(std::max(std::abs(high.u - low.u), std::abs(high.v - low.v)) / blocks.side)));
      for (int piece = 0; piece < pieces; ++piece) {
        const double from = static_cast<double>(piece) / pieces, to = (piece + 1.0) / pieces, middle = (from + to) / 2;
        const auto along = [&](double a, double b, double t) { return a + (b - a) * t; };
        const double dFrom = along(low.d, high.d, from), dTo = along(low.d, high.d, to);
        blocks.include(along(low.u, high.u, middle), along(low.v, high.v, middle),
                       reach + std::abs(high.u - low.u) / pieces / 2, reach + std::abs(high.v - low.v) / pieces / 2,
                       {static_cast<float>(std::min(dFrom, dTo)), static_cast<float>(std::max(dFrom, dTo))});
      }
    }
  }
}

// Fills blocks without a range from those around them, ring by ring. False where there is none at all.
bool fillFromNeighbours(Blocks& blocks) {
  bool any = true;
  while (std::any_of(blocks.ranges.begin(), blocks.ranges.end(), [](const Range& r) { return !r.known(); }) && any) {
    any = false;
    std::vector<Range> next = blocks.ranges;
    for (int y = 0; y < blocks.height; ++y) {
      for (int x = 0; x < blocks.width; ++x) {
        Range& range = next[static_cast<size_t>(y) * blocks.width + x];
        if (range.known()) continue;
        range = blocks.around(x, y);
        any = any || range.known();
      }
    }
    blocks.ranges = std::move(next);
  }
  return any;
}

void widenByNeighbours(Blocks& blocks) {
  std::vector<Range> next(blocks.ranges.size());
  for (int y = 0; y < blocks.height; ++y) {
    for (int x = 0; x < blocks.width; ++x) next[static_cast<size_t>(y) * blocks.width + x] = blocks.around(x, y);
  }
  blocks.ranges = std::move(next);
}

// The lowest disparities, as smooth as the ranges allow: `count` around the middle of each block's range, interpolated
// between the blocks' centres, then moved as little as makes the pixel's own range fit.
void writeLow(Blocks& blocks, int count, ImageView<int16_t> low) {
  const auto centred = [&](int x, int y) {
    const Range& r = blocks.at(std::clamp(x, 0, blocks.width - 1), std::clamp(y, 0, blocks.height - 1));
    return (r.low + r.high - (count - 1)) / 2;
  };
  for (int j = 0; j < low.height; ++j) {
    const float y = (j + 0.5f) / blocks.side - 0.5f;
    const int y0 = static_cast<int>(std::floor(y));
    for (int i = 0; i < low.width; ++i) {
      const float x = (i + 0.5f) / blocks.side - 0.5f;
      const int x0 = static_cast<int>(std::floor(x));
      const float fx = x - x0, fy = y - y0;
      const float top = centred(x0, y0) + fx * (centred(x0 + 1, y0) - centred(x0, y0));
      const float bottom = centred(x0, y0 + 1) + fx * (centred(x0 + 1, y0 + 1) - centred(x0, y0 + 1));
      float value = std::floor(top + fy * (bottom - top) + 0.5f);
      const Range& own = blocks.at(i / blocks.side, j / blocks.side);
      const float lowest = std::ceil(own.high) - count + 1, highest = std::floor(own.low);
      value = lowest <= highest ? std::clamp(value, lowest, highest)
                                : std::floor(centred(i / blocks.side, j / blocks.side) + 0.5f);
      low.at(i, j) = static_cast<int16_t>(std::clamp(value, -32768.0f, 32767.0f - count));
    }
  }
}

}  // namespace

SearchCount searchCount(double disparities, int maxCount) {
  const int wanted = static_cast<int>(std::ceil(std::min(disparities, 32000.0) / kStep)) * kStep;
  return {std::min(wanted, maxCount / kStep * kStep), wanted};
}

SearchCount searchRange(const Poly3& rectFromGround, const HeightPrior& prior, int u0, int v0,
                        const SearchRangeOptions& options, ImageView<int16_t> low) {
  const int side =
      std::clamp(static_cast<int>(std::min(prior.resolution / options.pixelM, 1e3)), kMinBlockPx, kMaxBlockPx);
  Blocks blocks{side, (low.width + side - 1) / side, (low.height + side - 1) / side, {}};
  blocks.ranges.resize(static_cast<size_t>(blocks.width) * blocks.height);
  splatCells(rectFromGround, prior, u0, v0, options.pixelM, blocks);
  if (!fillFromNeighbours(blocks)) return {0, 0};
  widenByNeighbours(blocks);
  float widest = 0;
  for (Range& range : blocks.ranges) {
    range.low -= static_cast<float>(options.slackPx);
    range.high += static_cast<float>(options.slackPx);
    widest = std::max(widest, std::ceil(range.high) - std::floor(range.low));
  }
  const SearchCount count = searchCount(widest + 1.0, options.maxCount);
  writeLow(blocks, count.count, low);
  return count;
}

}  // namespace altiplano
