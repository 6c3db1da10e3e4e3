// SPDX-License-Identifier: Apache-2.0
// Part of rectify.cc: the pixels of a window that one block reads, and what stands for those beyond its edges.
#ifndef ALTIPLANO_KERNELS_RECTIFY_PATCH_H_
#define ALTIPLANO_KERNELS_RECTIFY_PATCH_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "interpolation.h"
#include "rectify.h"
#include "rectify_lines.h"

namespace altiplano {

// How many pixels beyond its positions a block's kernels may read, rounding and a line's lean included.
inline constexpr int kReach = 9;
// For so many pixels beyond an edge the window continues as its reflection.
inline constexpr int kReflected = 8;

// The part of a window that one block reads, as floats.
struct Patch {
  int col0 = 0, row0 = 0, width = 0, height = 0;
  bool isWhole = false;           // all of it lies inside the window and is valid
  std::vector<float> pixels;      // height rows of width, 0 where not readable
  std::vector<uint8_t> readable;  // the same shape; of meaning only where not whole

  void place(int firstCol, int firstRow, int lastCol, int lastRow) {
    col0 = firstCol, row0 = firstRow, width = lastCol - firstCol + 1, height = lastRow - firstRow + 1;
    const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height);
    if (pixels.size() < size) pixels.resize(size), readable.resize(size);
  }
};

// The pixels of a block that are wanted: columns [lowU, highU) of rows [lowV, highV).
struct Wanted {
  int lowU, highU, lowV, highV;
};

// Puts the patch where the kernels of a block's wanted pixels read, and no further: a patch that leaves the window costs several times as much.
// False where no position is of use.
template <typename T>
bool placePatch(const SourceWindow<T>& window, const ImageFromRect& map, const Wanted& wanted, Patch& patch) {
  double lowCol = std::numeric_limits<double>::max(), highCol = -lowCol, lowRow = lowCol, highRow = -lowCol;
  const auto part = [](int low, int high, int i) { return low + i * (high - low) / 2; };
  for (int j = 0; j <= 2; ++j) {
    for (int i = 0; i <= 2; ++i) {
      const ImagePosition at = imagePosition(map, part(wanted.lowU, wanted.highU, i), part(wanted.lowV, wanted.highV, j));
      lowCol = std::min(lowCol, at.col), highCol = std::max(highCol, at.col);
      lowRow = std::min(lowRow, at.row), highRow = std::max(highRow, at.row);
    }
  }
  const auto place = [](double low, double high, int first, int count, int& from, int& to) {
    const double begin = std::max(std::floor(low) - kReach, first - 2.0 * kReach);
    const double end = std::min(std::floor(high) + kReach, first + count + 2.0 * kReach);
    // In double: a polynomial may lead anywhere, and only what lies near the window fits an int.
    if (!(end - begin >= kTaps && high > first - 1 && low < first + count)) return false;
    from = static_cast<int>(begin);
    to = static_cast<int>(end);
    return true;
  };
  int col0, row0, col1, row1;
  if (!place(lowCol, highCol, window.col0, window.pixels.width, col0, col1) ||
      !place(lowRow, highRow, window.row0, window.pixels.height, row0, row1)) {
    return false;
  }
  patch.place(col0, row0, col1, row1);
  return true;
}

// Fills a patch pixel by pixel: those beyond the window's edges from their point reflections, 2 edge - mirrored, which
// keeps a ramp a ramp, along the row first, then along the column. They have data where both have.
template <typename T>
void copyPart(const SourceWindow<T>& window, Patch& patch) {
  struct Sample {
    float value;
    bool hasData;
  };
  const int width = window.pixels.width, height = window.pixels.height;
  const auto inside = [&](int x, int y) -> Sample {
    const T value = window.pixels.at(x, y);
    bool ok = window.mask.data == nullptr || window.mask.at(x, y) != 0;
    if constexpr (std::is_floating_point_v<T>) ok = ok && std::isfinite(value);
    return {ok ? static_cast<float>(value) : 0, ok};
  };
  const auto reflected = [](int i, int count, const auto& at) -> Sample {
    if (i >= 0 && i < count) return at(i);
    if (i < -kReflected || i >= count + kReflected) return {0, false};
    const int edge = i < 0 ? 0 : count - 1;
    const Sample e = at(edge), m = at(std::clamp(2 * edge - i, 0, count - 1));
    const bool ok = e.hasData && m.hasData;
    return {ok ? 2 * e.value - m.value : 0, ok};
  };
  for (int y = 0; y < patch.height; ++y) {
    for (int x = 0; x < patch.width; ++x) {
      const Sample sample = reflected(y + patch.row0 - window.row0, height, [&](int row) {
        return reflected(x + patch.col0 - window.col0, width, [&](int col) { return inside(col, row); });
      });
      const size_t at = static_cast<size_t>(y) * static_cast<size_t>(patch.width) + static_cast<size_t>(x);
      patch.pixels[at] = sample.value;
      patch.readable[at] = sample.hasData;
    }
  }
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RECTIFY_PATCH_H_
