// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "rectify.h"

namespace altiplano {
namespace {

struct Axis {
  int first;        // first pixel read
  int count;        // 1 on a whole pixel, else kTaps
  float weight[kTaps];
};

Axis axisAt(double position) {
  const double whole = std::floor(position + 0.5 / kPhases);
  const int phase = static_cast<int>((position - whole) * kPhases + 0.5);
  Axis axis{static_cast<int>(whole) - kTapsBefore, phase == 0 ? 1 : kTaps, {}};
  const InterpolationTable& table = interpolationTable();
  const int entry = phase >> (kPhaseBits - kTableBits);
  const float between =
      static_cast<float>(phase & ((1 << (kPhaseBits - kTableBits)) - 1)) / (1 << (kPhaseBits - kTableBits));
  for (int i = 0; i < kTaps; ++i) axis.weight[i] = table.weight[entry][i] + between * table.step[entry][i];
  return axis;
}

struct Sample {
  float value;
  bool hasData;
};

Sample sampleInside(ImageView<const float> window, ImageView<const uint8_t> mask, int x, int y) {
  const bool ok = (mask.data == nullptr || mask.at(x, y) != 0) && std::isfinite(window.at(x, y));
  return {ok ? window.at(x, y) : 0, ok};
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

Sample sample(ImageView<const float> window, ImageView<const uint8_t> mask, int x, int y) {
  return reflected(y, window.height, [&](int row) {
    return reflected(x, window.width, [&](int col) { return sampleInside(window, mask, col, row); });
  });
}

// Whether an axis position, already split, is within [0, count - 1].
bool isInside(const Axis& axis, int count) {
  const int whole = axis.first + kTapsBefore;
  return whole >= 0 && (whole < count - 1 || (whole == count - 1 && axis.count == 1));
}

}  // namespace

void rectifyReference(ImageView<const float> window, ImageView<const uint8_t> mask, int col0, int row0,
                      const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
                      ImageView<float> out, ImageView<uint8_t> valid) {
  for (int j = 0; j < out.height; ++j) {
    const double y = (v0 + j - imageFromRect.vOff) / imageFromRect.vScale;
    const RowPolynomial colOf(imageFromRect.col, y), rowOf(imageFromRect.row, y);
    for (int i = 0; i < out.width; ++i) {
      out.at(i, j) = 0;
      valid.at(i, j) = 0;
      if (extents != nullptr && (i < extents[2 * j] || i >= extents[2 * j + 1])) continue;
      const double x = (u0 + i - imageFromRect.uOff) / imageFromRect.uScale;
      const double col = colOf.at(x) - col0, row = rowOf.at(x) - row0;
      if (!(col > -1 && row > -1 && col < window.width && row < window.height)) continue;
      const Axis across = axisAt(col), down = axisAt(row);
      if (!isInside(across, window.width) || !isInside(down, window.height)) continue;

      bool allReadable = true;
      float lane[kTaps] = {};
      for (int r = 0; r < kTaps; ++r) {
        for (int c = 0; c < kTaps; ++c) {
          const bool used = (across.count == kTaps || c == kTapsBefore) && (down.count == kTaps || r == kTapsBefore);
          if (!used) continue;
          const Sample tap = sample(window, mask, across.first + c, down.first + r);
          allReadable = allReadable && tap.hasData;
          if (tap.hasData) lane[c] += down.weight[r] * tap.value;
        }
      }
      if (!allReadable) continue;
      for (int c = 0; c < kTaps; ++c) lane[c] *= across.weight[c];
      // The order the vectors are folded in: 8 lanes to 4, to 2, to 1.
      const float s0 = lane[0] + lane[4], s1 = lane[1] + lane[5], s2 = lane[2] + lane[6], s3 = lane[3] + lane[7];
      out.at(i, j) = (s0 + s2) + (s1 + s3);
      valid.at(i, j) = 1;
    }
  }
}

}  // namespace altiplano
