// SPDX-License-Identifier: Apache-2.0
// Part of edges.cc, which includes it behind Highway, once per target: what its steps read.
#if defined(ALTIPLANO_KERNELS_EDGES_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_EDGES_PLANES_INL_H_
#undef ALTIPLANO_KERNELS_EDGES_PLANES_INL_H_
#else
#define ALTIPLANO_KERNELS_EDGES_PLANES_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <limits>

#include "arena.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Rows of surroundings and of supports are 8 wide, so that they fill vectors; what is too much is left out or weighs nothing.
constexpr int kLanes = 8;
constexpr int kMargin = kLanes;

// At most 8 lanes: the same row takes one vector on some targets and two on others, with the same result.
using Row = hn::CappedTag<float, kLanes>;
using RowVector = hn::Vec<Row>;
inline int rowLanes() { return static_cast<int>(hn::Lanes(Row())); }

// A copy of an image with NaN where there are no data and for kMargin pixels on all sides, and for whole vectors on the right.
class Padded {
 public:
  static size_t bytes(int width, int height) { return Arena::bytesOf<float>(paddedWidth(width), height + 2 * kMargin); }
  Padded(Arena& arena, int width, int height) : image_(arena.image<float>(paddedWidth(width), height + 2 * kMargin)) {
    const int behind = image_.width - kMargin - width;
    for (int y = -kMargin; y < height + kMargin; ++y) {
      const bool isMargin = y < 0 || y >= height;
      std::fill_n(row(y) - kMargin, isMargin ? image_.width : kMargin, kNaN);
      if (!isMargin) std::fill_n(row(y) + width, behind, kNaN);
    }
  }
  Padded(Arena& arena, ImageView<const float> from, ImageView<const uint8_t> valid) : Padded(arena, from.width, from.height) {
    for (int v = 0; v < from.height; ++v) {
      const float* f = from.row(v);
      const uint8_t* known = valid.row(v);
      float* to = row(v);
      for (int u = 0; u < from.width; ++u) to[u] = known[u] != 0 ? f[u] : kNaN;
    }
  }
  void copy(ImageView<const float> from) {
    for (int v = 0; v < from.height; ++v) std::copy_n(from.row(v), from.width, row(v));
  }
  // Row v; rows and columns from -kMargin on may be read.
  float* row(int v) const { return image_.row(v + kMargin) + kMargin; }
  ptrdiff_t stride() const { return image_.stride; }

 private:
  static int paddedWidth(int width) { return width + 2 * kMargin + static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> image_;
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
