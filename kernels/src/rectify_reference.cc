// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "interpolation.h"
#include "rectify.h"
#include "rectify_lines.h"

namespace altiplano {
namespace {

struct Sample {
  float value;
  bool hasData;
};

// A position along one axis: whole pixel and phase.
struct Split {
  int whole, phase;
  explicit Split(double position) {
    const double fixed = std::floor(position * kPhases + 0.5);
    whole = static_cast<int>(std::floor(fixed / kPhases));
    phase = static_cast<int>(fixed - static_cast<double>(whole) * kPhases);
  }
  // Within [first, first + count - 1].
  bool isInside(int first, int count) const {
    return whole >= first && (whole < first + count - 1 || (whole == first + count - 1 && phase == 0));
  }
};

Sample sampleInside(const SourceWindow<float>& window, int x, int y) {
  const float value = window.pixels.at(x, y);
  const bool ok = (window.mask.data == nullptr || window.mask.at(x, y) != 0) && std::isfinite(value);
  return {ok ? value : 0, ok};
}

// Beyond an edge: 2 edge - mirrored, along the row first, then along the column.
template <typename At>
Sample reflected(int i, int count, At at) {
  if (i >= 0 && i < count) return at(i);
  const int edge = i < 0 ? 0 : count - 1;
  const Sample e = at(edge), m = at(std::clamp(2 * edge - i, 0, count - 1));
  const bool ok = e.hasData && m.hasData;
  return {ok ? 2 * e.value - m.value : 0, ok};
}

Sample sampleAt(const SourceWindow<float>& window, int col, int row) {
  return reflected(row - window.row0, window.pixels.height, [&](int y) {
    return reflected(col - window.col0, window.pixels.width, [&](int x) { return sampleInside(window, x, y); });
  });
}

// Sum of 8 weighted values, in the order the vectors are folded in.
template <typename At>
Sample interpolate(int phase, At at) {
  const float* weight = phaseTable().weight[phase];
  float product[kTaps];
  bool ok = true;
  for (int k = 0; k < kTaps; ++k) {
    const Sample tap = at(k - kTapsBefore);
    product[k] = tap.value * weight[k];
    if (phase != 0 || k == kTapsBefore) ok = ok && tap.hasData;
  }
  const auto pair = [&](int i) { return product[i] + product[i + 4]; };
  return {(pair(0) + pair(2)) + (pair(1) + pair(3)), ok};
}

}  // namespace

void rectifyReference(const SourceWindow<float>& window, const ImageFromRect& imageFromRect, int u0, int v0,
                      const int32_t* extents, ImageView<float> out, ImageView<uint8_t> valid) {
  for (int j = 0; j < out.height; ++j) {
    for (int i = 0; i < out.width; ++i) {
      out.at(i, j) = 0;
      valid.at(i, j) = 0;
      if (extents != nullptr && (i < extents[2 * j] || i >= extents[2 * j + 1])) continue;
      const int u = u0 + i, v = v0 + j, blockU = blockStart(u), blockV = blockStart(v);
      const ImagePosition position = imagePosition(imageFromRect, u, v);
      const Split col(position.col), row(position.row);
      if (!col.isInside(window.col0, window.pixels.width) || !row.isInside(window.row0, window.pixels.height)) continue;

      const LineKind kind = lineKind(imageFromRect, blockU, blockV);
      const BlockLine line =
          BlockLines(imageFromRect, kind, blockU, blockV).line(kind == LineKind::kConstantV ? v - blockV : u - blockU);
      const Sample sample = interpolate(row.phase, [&](int down) {
        const int y = row.whole + down;
        const Split x = kind == LineKind::kNone ? col : Split(line.colAt(y));
        return interpolate(x.phase, [&](int across) { return sampleAt(window, x.whole + across, y); });
      });
      if (!sample.hasData) continue;
      out.at(i, j) = sample.value;
      valid.at(i, j) = 1;
    }
  }
}

}  // namespace altiplano
