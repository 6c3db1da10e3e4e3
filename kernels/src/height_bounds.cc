// SPDX-License-Identifier: Apache-2.0
#include "height_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "on_threads.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Least {
  static constexpr float kNone = kInfinity;
  static float of(float a, float b) { return a < b ? a : b; }
};
struct Most {
  static constexpr float kNone = -kInfinity;
  static float of(float a, float b) { return a > b ? a : b; }
};

// to[i] = the extreme of a[i] and b[i]; `to` may be `a`.
template <class Extreme>
void combine(const float* a, const float* b, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = Extreme::of(a[i], b[i]);
}

// The extreme of the (2 radius + 1)^2 cells around each cell; Extreme::kNone = no value, in and out. Windows double along each
// axis until two of them, overlapping, cover the whole one: log2 of the size operations a cell.
template <class Extreme>
void windowExtreme(ImageView<const float> in, int radius, ImageView<float> out) {
  const int size = 2 * radius + 1, width = in.width, height = in.height;
  Image<float> padded(width + 2 * radius, height + 2 * radius);
  const ImageView<float> work = padded.view();
  for (int y = 0; y < work.height; ++y) std::fill_n(work.row(y), work.width, Extreme::kNone);
  for (int y = 0; y < height; ++y) {
    float* row = work.row(y + radius);
    std::copy_n(in.row(y), width, row + radius);
    int window = 1;
    for (; 2 * window <= size; window *= 2) combine<Extreme>(row, row + window, work.width - window, row);
    combine<Extreme>(row, row + size - window, width, row);
  }
  int window = 1;
  for (; 2 * window <= size; window *= 2) {
    for (int y = 0; y + window < work.height; ++y) combine<Extreme>(work.row(y), work.row(y + window), width, work.row(y));
  }
  for (int y = 0; y < height; ++y) combine<Extreme>(work.row(y), work.row(y + size - window), width, out.row(y));
}

// Heights with support; `none` where there is not enough.
void keepSupported(ImageView<const float> heights, const LocalBoundsOptions& options, ImageView<float> low, ImageView<float> high) {
  const int width = heights.width, height = heights.height;
  Image<float> padded(width + 2, height + 2);
  const ImageView<float> all = padded.view();
  for (int y = 0; y < all.height; ++y) std::fill_n(all.row(y), all.width, kNaN);
  for (int y = 0; y < height; ++y) std::copy_n(heights.row(y), width, all.row(y + 1) + 1);
  Image<int> counts(width, 1);
  int* near = counts.view().row(0);
  for (int y = 0; y < height; ++y) {
    const float* own = heights.row(y);
    std::fill_n(near, width, 0);
    for (int dy = 0; dy < 3; ++dy) {
      for (int dx = 0; dx < 3; ++dx) {
        const float* other = all.row(y + dy) + dx;
        for (int x = 0; x < width; ++x) near[x] += std::fabs(other[x] - own[x]) <= options.toleranceM ? 1 : 0;
      }
    }
    for (int x = 0; x < width; ++x) {
      low.at(x, y) = near[x] >= options.support ? own[x] : kInfinity;
      high.at(x, y) = near[x] >= options.support ? own[x] : -kInfinity;
    }
  }
}

// Widens the bounds of a cell so that they hold [low, high].
void include(BoundsViews bounds, int x, int y, float low, float high) {
  if (std::isnan(low)) return;
  float &least = bounds.low.at(x, y), &most = bounds.high.at(x, y);
  const bool known = !std::isnan(least);
  least = known ? std::min(least, low) : low;
  most = known ? std::max(most, high) : high;
}

bool hasAny(ImageView<const float> heights) {
  for (int y = 0; y < heights.height; ++y) {
    const float* row = heights.row(y);
    if (!std::all_of(row, row + heights.width, [](float height) { return std::isnan(height); })) return true;
  }
  return false;
}

// Rows computed at a time: what they need stays in the nearest caches, and in memory that is used again.
constexpr int kBand = 96;

ImageView<float> rowsOf(ImageView<float> image, int from, int to) { return {image.row(from), image.width, to - from, image.stride}; }

// localBounds in one thread.
void boundsOfBand(ImageView<const float> heights, const LocalBoundsOptions& options, BoundsViews out, int col0, int row0) {
  if (!hasAny(heights)) {
    for (int y = 0; y < out.low.height; ++y) {
      std::fill_n(out.low.row(y), out.low.width, kNaN);
      std::fill_n(out.high.row(y), out.high.width, kNaN);
    }
    return;
  }
  const int width = heights.width, height = heights.height;
  Image<float> low(width, height), high(width, height), span(width, height), lowest(width, height), highest(width, height);
  keepSupported(heights, options, low.view(), high.view());
  windowExtreme<Least>(low.view(), options.radius, low.view());
  windowExtreme<Most>(high.view(), options.radius, high.view());
  if (options.stepRadius > 0) {
    for (int y = 0; y < height; ++y) {
      const float *least = low.view().row(y), *most = high.view().row(y);
      for (int x = 0; x < width; ++x) span.view().at(x, y) = most[x] - least[x];  // -infinity where nothing is known
    }
    windowExtreme<Most>(span.view(), options.stepRadius, span.view());
    windowExtreme<Least>(low.view(), options.stepRadius, lowest.view());
    windowExtreme<Most>(high.view(), options.stepRadius, highest.view());
  }
  for (int y = 0; y < out.low.height; ++y) {
    const int row = row0 + y;
    const float *leasts = low.view().row(row) + col0, *mosts = high.view().row(row) + col0, *steps = span.view().row(row) + col0;
    const float *lows = lowest.view().row(row) + col0, *highs = highest.view().row(row) + col0;
    for (int x = 0; x < out.low.width; ++x) {
      const float least = leasts[x], most = mosts[x];
      const bool known = least <= most;
      float from = least, to = most;
      if (options.stepRadius > 0) {
        from = Most::of(lows[x], Least::of(least, most - steps[x]));
        to = Least::of(highs[x], Most::of(most, least + steps[x]));
      }
      out.low.at(x, y) = known ? from : kNaN;
      out.high.at(x, y) = known ? to : kNaN;
    }
  }
}

}  // namespace

void localBounds(ImageView<const float> heights, const LocalBoundsOptions& options, BoundsViews out, int col0, int row0, int threads) {
  // What a cell's bounds depend on: its windows, and the neighbours that support a height in them.
  const int reach = options.radius + options.stepRadius + 1;
  const int bands = (out.low.height + kBand - 1) / kBand;
  onThreads(std::max(1, std::min(threads, bands)), [&](int thread) {
    for (int band = thread; band < bands; band += threads) {
      const int from = band * kBand, to = std::min(out.low.height, from + kBand);
      const int top = std::max(0, row0 + from - reach), bottom = std::min(heights.height, row0 + to + reach);
      const ImageView<const float> part{heights.row(top), heights.width, bottom - top, heights.stride};
      boundsOfBand(part, options, {rowsOf(out.low, from, to), rowsOf(out.high, from, to)}, col0, row0 + from - top);
    }
  });
}

void reduceBounds(ConstBoundsViews in, int factor, BoundsViews out) {
  for (int y = 0; y < out.low.height; ++y) {
    std::fill_n(out.low.row(y), out.low.width, kNaN);
    std::fill_n(out.high.row(y), out.high.width, kNaN);
  }
  for (int y = 0; y < in.low.height; ++y) {
    for (int col = 0; col < out.low.width; ++col) {
      const int to = std::min(in.low.width, (col + 1) * factor);
      for (int x = col * factor; x < to; ++x) include(out, col, y / factor, in.low.at(x, y), in.high.at(x, y));
    }
  }
}

void fillBounds(BoundsViews bounds, float fallbackLow, float fallbackHigh, int maxDoublings) {
  const int width = bounds.low.width, height = bounds.low.height;
  bool hasHole = false;
  for (int y = 0; y < height && !hasHole; ++y) {
    hasHole = std::any_of(bounds.low.row(y), bounds.low.row(y) + width, [](float low) { return std::isnan(low); });
  }
  if (!hasHole) return;
  const bool isLast = maxDoublings == 0 || width * height == 1;
  Image<float> coarseLow(isLast ? 1 : (width + 1) / 2, isLast ? 1 : (height + 1) / 2);
  Image<float> coarseHigh(coarseLow.width(), coarseLow.height());
  const BoundsViews coarse{coarseLow.view(), coarseHigh.view()};
  if (!isLast) {
    reduceBounds({bounds.low, bounds.high}, 2, coarse);
    fillBounds(coarse, fallbackLow, fallbackHigh, maxDoublings - 1);
  }
  // Neighbours count as they were known before, so that what is filled does not spread.
  Image<float> filledLow(width, height), filledHigh(width, height);
  const BoundsViews filled{filledLow.view(), filledHigh.view()};
  for (int row = 0; row < height; ++row) {
    for (int col = 0; col < width; ++col) {
      filled.low.at(col, row) = bounds.low.at(col, row);
      filled.high.at(col, row) = bounds.high.at(col, row);
      if (!std::isnan(bounds.low.at(col, row))) continue;
      for (int y = std::max(0, row - 1); y <= std::min(height - 1, row + 1); ++y) {
        for (int x = std::max(0, col - 1); x <= std::min(width - 1, col + 1); ++x) {
          include(filled, col, row, bounds.low.at(x, y), bounds.high.at(x, y));
        }
      }
      if (!std::isnan(filled.low.at(col, row))) continue;
      include(filled, col, row, isLast ? fallbackLow : coarse.low.at(col / 2, row / 2), isLast ? fallbackHigh : coarse.high.at(col / 2, row / 2));
    }
  }
  for (int row = 0; row < height; ++row) {
    std::copy_n(filled.low.row(row), width, bounds.low.row(row));
    std::copy_n(filled.high.row(row), width, bounds.high.row(row));
  }
}

HeightSpan spanOf(ConstBoundsViews bounds) {
  HeightSpan span{kInfinity, -kInfinity};
  for (int y = 0; y < bounds.low.height; ++y) {
    const float *low = bounds.low.row(y), *high = bounds.high.row(y);
    for (int x = 0; x < bounds.low.width; ++x) {
      span.low = Least::of(low[x], span.low);
      span.high = Most::of(high[x], span.high);
    }
  }
  return span;
}

void widenBounds(BoundsViews bounds, ConstBoundsViews surroundings, int factor, const WidenOptions& options) {
  for (int y = 0; y < bounds.low.height; ++y) {
    for (int x = 0; x < bounds.low.width; ++x) {
      float &low = bounds.low.at(x, y), &high = bounds.high.at(x, y);
      const bool isHole = std::isnan(low);
      const double least = isHole ? surroundings.low.at(x / factor, y / factor) : low;
      const double most = isHole ? surroundings.high.at(x / factor, y / factor) : high;
      const double margin = (isHole ? 2 : 1) * options.marginM + options.shareOfSpan * (most - least);
      const double from = std::max(options.lowest, least - margin), to = std::min(options.highest, most + margin);
      low = static_cast<float>(from < to ? from : options.lowest);
      high = static_cast<float>(from < to ? to : options.highest);
    }
  }
}

}  // namespace altiplano
