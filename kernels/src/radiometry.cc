// SPDX-License-Identifier: Apache-2.0
#include "radiometry.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace altiplano {
namespace {

// One pixel of 2 x 2 is looked at: 576 of a block's surroundings are plenty.
constexpr int kApart = 2;
constexpr double kFewestPixels = 16;

struct Moments {
  double n = 0, r = 0, s = 0, rr = 0, rs = 0, ss = 0;
  void add(double grey, double match) { *this += {1, grey, match, grey * grey, grey * match, match * match}; }
  void operator+=(const Moments& o) { n += o.n, r += o.r, s += o.s, rr += o.rr, rs += o.rs, ss += o.ss; }
};

// Of the differences to what `radiometry` says, each counted for no more than its standard deviation.
struct Deviations {
  Radiometry radiometry;
  float most = 0;
  double n = 0, sum = 0;
  void add(float grey, float match) {
    n += 1;
    sum += std::min(std::fabs(grey - radiometry.gain * match - radiometry.bias), most);
  }
  void operator+=(const Deviations& o) { n += o.n, sum += o.sum; }
};

// R and S of the matched pixels looked at in a row of blocks, S interpolated linearly: of each row of pixels, block by block.
class Matches {
 public:
  explicit Matches(int width) : all_(static_cast<size_t>(width + kApart - 1) / kApart * kRows), ends_(columnsOf(width) * kRows) {}
  static size_t columnsOf(int width) { return static_cast<size_t>((width + kRadiometryBlock - 1) / kRadiometryBlock); }

  void find(const RefineInput& in, ImageView<const float> disparity, int row) {
    const int top = row * kRadiometryBlock, bottom = std::min(disparity.height, top + kRadiometryBlock);
    size_t count = 0, part = 0;
    for (int v = top; v < bottom; v += kApart) {
      const float *d = disparity.row(v), *ref = in.ref.row(v), *sec = in.sec.row(v);
      const uint8_t* valid = in.secValid.row(v);
      for (int first = 0; first < disparity.width; first += kRadiometryBlock) {
        const int end = std::min(disparity.width, first + kRadiometryBlock);
        for (int u = first; u < end; u += kApart) {
          if (std::isnan(d[u])) continue;
          // Rounded down; std::floor would be a call where the compiler may not assume more than the oldest processors.
          const int cut = static_cast<int>(d[u]), below = static_cast<float>(cut) > d[u] ? cut - 1 : cut;
          const int x = u + below + in.secOffset;
          if (x < 0 || x + 1 >= in.sec.width || valid[x] == 0 || valid[x + 1] == 0) continue;
          all_[count++] = {ref[u], sec[x] + (d[u] - static_cast<float>(below)) * (sec[x + 1] - sec[x])};
        }
        ends_[part++] = count;
      }
    }
    parts_ = part;
  }

  // Adds up Sums::add(R, S) for each of the row's blocks.
  template <typename Sums>
  void sum(Sums* blocks, size_t columns) const {
    size_t at = 0;
    for (size_t part = 0; part < parts_; ++part) {
      Sums& block = blocks[part % columns];
      Sums here = block;
      for (; at < ends_[part]; ++at) here.add(all_[at].grey, all_[at].match);
      block = here;
    }
  }

 private:
  static constexpr size_t kRows = kRadiometryBlock / kApart;
  struct Match {
    float grey, match;
  };
  std::vector<Match> all_;
  std::vector<size_t> ends_;  // behind each row's part in each block
  size_t parts_ = 0;
};

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
    : columns_((disparity.width + kRadiometryBlock - 1) / kRadiometryBlock),
      rows_((disparity.height + kRadiometryBlock - 1) / kRadiometryBlock),
      blocks_(static_cast<size_t>(columns_) * static_cast<size_t>(rows_)) {
  std::vector<Moments> moments(blocks_.size());
  std::vector<Deviations> deviations(blocks_.size());
  const size_t columns = static_cast<size_t>(columns_);
  const auto first = [columns](auto& blocks, int row) { return blocks.data() + static_cast<size_t>(row) * columns; };
  // A block's deviations follow from its radiometry, and this from the moments of the blocks below, too: so two rows of blocks' matches.
  Matches matches[2] = {Matches(disparity.width), Matches(disparity.width)};
  for (int row = 0; row <= rows_; ++row) {
    if (row < rows_) {
      matches[row % 2].find(in, disparity, row);
      matches[row % 2].sum(first(moments, row), columns);
    }
    if (row == 0) continue;
    const int above = row - 1;
    for (int column = 0; column < columns_; ++column) {
      const Radiometry r = radiometryOf(around(moments, columns_, rows_, column, above));
      first(blocks_, above)[column] = r;
      if (r.perDeviation > 0) first(deviations, above)[column] = {r, 1 / r.perDeviation};
    }
    matches[above % 2].sum(first(deviations, above), columns);
  }
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      const Deviations d = around(deviations, columns_, rows_, column, row);
      Radiometry& to = blocks_[static_cast<size_t>(row * columns_ + column)];
      to.perDeviation = to.perDeviation > 0 && d.n >= kFewestPixels && d.sum > 0 ? static_cast<float>(d.n / d.sum) : 0;
    }
  }
}

}  // namespace altiplano
