// SPDX-License-Identifier: Apache-2.0
#include "radiometry.h"

#include <algorithm>
#include <cmath>

namespace altiplano {
namespace {

constexpr double kFewestPixels = 64;

struct Moments {
  double n = 0, r = 0, s = 0, rr = 0, rs = 0, ss = 0;
  void operator+=(const Moments& o) { n += o.n, r += o.r, s += o.s, rr += o.rr, rs += o.rs, ss += o.ss; }
};

struct Deviations {
  double n = 0, sum = 0;
  void operator+=(const Deviations& o) { n += o.n, sum += o.sum; }
};

// Calls visit(u, v, R, S) for each matched pixel, S interpolated linearly.
template <typename Visit>
void forEachMatch(const RefineInput& in, ImageView<const float> disparity, Visit visit) {
  for (int v = 0; v < disparity.height; ++v) {
    for (int u = 0; u < disparity.width; ++u) {
      const float d = disparity.at(u, v);
      if (std::isnan(d)) continue;
      const float whole = std::floor(d);
      const int x = u + static_cast<int>(whole) + in.secOffset;
      if (x < 0 || x + 1 >= in.sec.width || in.secValid.at(x, v) == 0 || in.secValid.at(x + 1, v) == 0) continue;
      const float left = in.sec.at(x, v);
      visit(u, v, in.ref.at(u, v), left + (d - whole) * (in.sec.at(x + 1, v) - left));
    }
  }
}

template <typename Sums>
Sums around(const std::vector<Sums>& blocks, int columns, int rows, int column, int row) {
  Sums all;
  for (int y = std::max(0, row - 1); y <= std::min(rows - 1, row + 1); ++y) {
    for (int x = std::max(0, column - 1); x <= std::min(columns - 1, column + 1); ++x) all += blocks[static_cast<size_t>(y * columns + x)];
  }
  return all;
}

// perDeviation: of the standard deviation.
Radiometry radiometryOf(const Moments& m) {
  if (m.n < kFewestPixels) return {};
  const double r = m.r / m.n, s = m.s / m.n;
  const double rr = m.rr / m.n - r * r, rs = m.rs / m.n - r * s, ss = m.ss / m.n - s * s;
  if (!(rs > 0) || !(ss > 0)) return {};
  const double gain = std::clamp(std::sqrt(rr / ss), 0.5, 2.0);
  const double variance = rr - 2 * gain * rs + gain * gain * ss;
  if (!(variance > 0)) return {};
  return {static_cast<float>(gain), static_cast<float>(r - gain * s), static_cast<float>(1 / std::sqrt(variance))};
}

}  // namespace

RadiometryMap::RadiometryMap(const RefineInput& in, ImageView<const float> disparity)
    : columns_((disparity.width + kBlock - 1) / kBlock),
      rows_((disparity.height + kBlock - 1) / kBlock),
      blocks_(static_cast<size_t>(columns_) * static_cast<size_t>(rows_)) {
  const auto blockOf = [&](int u, int v) { return static_cast<size_t>(v / kBlock * columns_ + u / kBlock); };
  std::vector<Moments> moments(blocks_.size());
  forEachMatch(in, disparity, [&](int u, int v, double r, double s) { moments[blockOf(u, v)] += {1, r, s, r * r, r * s, s * s}; });
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      blocks_[static_cast<size_t>(row * columns_ + column)] = radiometryOf(around(moments, columns_, rows_, column, row));
    }
  }
  std::vector<Deviations> deviations(blocks_.size());
  forEachMatch(in, disparity, [&](int u, int v, float r, float s) {
    const Radiometry& to = blocks_[blockOf(u, v)];
    if (to.perDeviation == 0) return;
    const float standard = 1 / to.perDeviation;
    deviations[blockOf(u, v)] += {1, std::min(std::fabs(r - to.gain * s - to.bias), standard)};
  });
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      const Deviations d = around(deviations, columns_, rows_, column, row);
      Radiometry& to = blocks_[static_cast<size_t>(row * columns_ + column)];
      to.perDeviation = to.perDeviation > 0 && d.n >= kFewestPixels && d.sum > 0 ? static_cast<float>(d.n / d.sum) : 0;
    }
  }
}

}  // namespace altiplano
