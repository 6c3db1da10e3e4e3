// SPDX-License-Identifier: Apache-2.0
// Part of edges.cc, which includes it behind Highway, once per target: the surfaces around a pixel, handled as sets of its neighbours.
#if defined(ALTIPLANO_KERNELS_EDGES_SURFACES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_EDGES_SURFACES_INL_H_
#undef ALTIPLANO_KERNELS_EDGES_SURFACES_INL_H_
#else
#define ALTIPLANO_KERNELS_EDGES_SURFACES_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "edges.h"
#include "edges_planes_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kAround = 2 * kEdgeReach + 1;  // rows of a pixel's surroundings, and of pixels in each
static_assert(kAround < kLanes);
constexpr int kMaxSurfaces = 6;

// A set of pixels around one: bit 8 j + i is the pixel i - kEdgeReach columns and j - kEdgeReach rows away.
using PixelSet = uint64_t;

// The pixels at each distance, nearest first, and the pixels' weights.
struct Rings {
  static constexpr int kMost = kEdgeReach * kEdgeReach * 2;
  PixelSet at[kMost + kLanes] = {};  // whole vectors
  float weight[kAround][kLanes] = {};
  Rings() {
    PixelSet ofSquare[kMost + 1] = {};
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kAround; ++i) {
        const int du = i - kEdgeReach, dv = j - kEdgeReach, square = du * du + dv * dv;
        if (square == 0) continue;  // not around itself
        ofSquare[square] |= PixelSet{1} << (kLanes * j + i);
        const float near = 1.0f / (static_cast<float>(square) + 0.5f);
        weight[j][i] = near * near;
      }
    }
    std::copy_if(ofSquare, ofSquare + kMost + 1, at, [](PixelSet pixels) { return pixels != 0; });
  }
};

// The disparities around a pixel.
class Surroundings {
 public:
  // map: of disparities; (u, v): the pixel.
  Surroundings(const Padded& map, int u, int v) : from_(map.row(v - kEdgeReach) + u - kEdgeReach), stride_(map.stride()) {}

  // Those further than step from `value`, or within step of it. NaN is neither.
  PixelSet beyond(float value, float step) const {
    return select([=](RowVector d) HWY_ATTR { return hn::Gt(distance(d, value), hn::Set(Row(), step)); });
  }
  PixelSet within(float value, float step) const {
    return select([=](RowVector d) HWY_ATTR { return hn::Le(distance(d, value), hn::Set(Row(), step)); });
  }

  // Widens low and high to the least and greatest of some pixels.
  void limits(PixelSet pixels, float& low, float& high) const {
    const Row d;
    auto least = hn::Set(d, low), most = hn::Set(d, high);
    const int lanes = rowLanes();
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kLanes; i += lanes) {
        const auto chosen = maskOf(pixels, j, i);
        const auto value = hn::LoadU(d, row(j) + i);
        least = hn::Min(least, hn::IfThenElse(chosen, value, least));
        most = hn::Max(most, hn::IfThenElse(chosen, value, most));
      }
    }
    low = hn::GetLane(hn::MinOfLanes(d, least));
    high = hn::GetLane(hn::MaxOfLanes(d, most));
  }

  // The mean of some pixels by nearness, one of which is `first`. Sums run down columns, then along these.
  float mean(PixelSet pixels, float first, const Rings& rings) const {
    const Row d;
    float weights[kLanes], shifts[kLanes];
    const int lanes = rowLanes();
    for (int i = 0; i < kLanes; i += lanes) {
      auto weight = hn::Zero(d), shift = weight;
      for (int j = 0; j < kAround; ++j) {
        const auto chosen = maskOf(pixels, j, i);
        const auto w = hn::IfThenElseZero(chosen, hn::LoadU(d, rings.weight[j] + i));
        const auto from = hn::IfThenElseZero(chosen, hn::Sub(hn::LoadU(d, row(j) + i), hn::Set(d, first)));
        weight = hn::Add(weight, w);
        shift = hn::Add(shift, hn::Mul(w, from));
      }
      hn::StoreU(weight, d, weights + i);
      hn::StoreU(shift, d, shifts + i);
    }
    float weight = 0, shift = 0;
    for (int i = 0; i < kAround; ++i) weight += weights[i], shift += shifts[i];
    return first + shift / weight;
  }

  // The disparity of the nearest of some pixels, the first row's first of equally near.
  float nearest(PixelSet pixels, const Rings& rings) const {
    const hn::CappedTag<uint64_t, kLanes> d;
    intptr_t at = -1;
    const PixelSet* ring = rings.at;
    for (;; ring += hn::Lanes(d)) {
      at = hn::FindFirstTrue(d, hn::Ne(hn::And(hn::LoadU(d, ring), hn::Set(d, pixels)), hn::Zero(d)));
      if (at >= 0) break;
    }
    const int bit = std::countr_zero(pixels & ring[at]);
    return row(bit / kLanes)[bit % kLanes];
  }

 private:
  const float* row(int j) const { return from_ + j * stride_; }
  // Which lanes of row j from column i on are in the set.
  static hn::Mask<Row> maskOf(PixelSet pixels, int j, int i) {
    const uint8_t bits[8] = {static_cast<uint8_t>((pixels >> (kLanes * j + i)) & 0xff)};
    return hn::LoadMaskBits(Row(), bits);
  }
  static RowVector distance(RowVector d, float value) { return hn::Abs(hn::Sub(d, hn::Set(Row(), value))); }

  template <class Test>
  PixelSet select(Test test) const {
    PixelSet all = 0;
    const int lanes = rowLanes();
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kLanes; i += lanes) {
        uint8_t bits[8] = {};
        hn::StoreMaskBits(Row(), test(hn::LoadU(Row(), row(j) + i)), bits);
        all |= PixelSet{bits[0]} << (kLanes * j + i);
      }
    }
    return all & kInside;
  }
  // All columns but the last.
  static constexpr PixelSet kInside = 0x007f7f7f7f7f7f7f;
  const float* from_;
  ptrdiff_t stride_;
};

// Pixels of like disparity: `first` is the nearest one's, the others lie within stepPx of it.
struct Surface {
  PixelSet pixels;
  float first, low, high;
  bool isLarge(int fewest) const { return std::popcount(pixels) >= fewest; }
};

// A pixel near an edge and the surfaces around it, the nearest first.
struct EdgePixel {
  int u;
  float own;      // its disparity; NaN: a hole
  PixelSet rest;  // around it, of no surface so far: at first the pixels further than stepPx from its own, or all that aren't holes
  int count;
  bool anyLarge, allFar;
  Surface surfaces[kMaxSurfaces];
};

// The surfaces around the pixels of one row, a step at a time for all of them: a pixel's next step waits for
// its last one, and what becomes of it can't be foretold.
class SurfaceFinder {
 public:
  // filling: all pixels are holes; fewest: pixels of a large surface.
  SurfaceFinder(bool filling, int fewest, float stepPx, int width)
      : filling_(filling), fewest_(fewest), stepPx_(stepPx), todo_(static_cast<size_t>(width) + 1) {}

  // The surfaces other than a pixel's own: what is connected to it by steps of at most stepPx, as on a slope, is its own too.
  // Of more than kMaxSurfaces the farthest are left out. None where none has `fewest` pixels, or where a pixel's surroundings
  // span no more than two steps; smaller ones than that may be left out. Each pixel: with `fewest` in `rest` and nothing found.
  void find(const Padded& map, int v, EdgePixel* pixels, size_t count) {
    std::iota(todo_.begin(), todo_.begin() + static_cast<ptrdiff_t>(count), 0);
    for (size_t left = count; left > 0;) {
      for (size_t k = 0; k < left; ++k) {
        EdgePixel& p = pixels[todo_[k]];
        p.surfaces[p.count].first = Surroundings(map, p.u, v).nearest(p.rest, rings_);
      }
      left = keep(left, [&](int i) HWY_ATTR {
        takeSurface(Surroundings(map, pixels[i].u, v), pixels[i]);
        return !isDone(pixels[i]);
      });
    }
    if (filling_) return;
    // Far from its own, surfaces need no comparing: both reach at most one step, and another lies between them.
    size_t unclear = 0;
    for (size_t i = 0; i < count; ++i) {
      pixels[i].count = pixels[i].anyLarge ? pixels[i].count : 0;
      todo_[unclear] = static_cast<int>(i);
      unclear += pixels[i].anyLarge && !pixels[i].allFar ? 1 : 0;
    }
    limits_.resize(count);
    unclear = keep(unclear, [&](int i) HWY_ATTR {
      EdgePixel& p = pixels[i];
      Limits& own = limits_[static_cast<size_t>(i)];
      own = {p.own, p.own};
      const Surroundings around(map, p.u, v);
      around.limits(around.within(p.own, stepPx_), own.low, own.high);
      // Mostly all that matters is a slope: each large surface begins within a step of its own.
      bool isSlope = true;
      for (int k = 0; k < p.count; ++k) {
        const Surface& s = p.surfaces[k];
        isSlope &= !s.isLarge(fewest_) || (s.first - own.high <= stepPx_ && own.low - s.first <= stepPx_);
      }
      p.count = isSlope ? 0 : p.count;
      return !isSlope;
    });
    for (size_t k = 0; k < unclear; ++k) {
      const int i = todo_[k];
      dropOwn(Surroundings(map, pixels[i].u, v), limits_[static_cast<size_t>(i)], pixels[i]);
    }
  }

 private:
  struct Limits {
    float low, high;
  };

  // Of the first `count` in todo_ those that `test` wants.
  template <class Test>
  size_t keep(size_t count, Test test) {
    size_t kept = 0;
    for (size_t k = 0; k < count; ++k) {
      const int i = todo_[k];
      const bool isWanted = test(i);
      todo_[kept] = i;
      kept += isWanted ? 1 : 0;
    }
    return kept;
  }

  // What belongs to the surface whose first pixel is known.
  void takeSurface(const Surroundings& around, EdgePixel& p) const {
    Surface& s = p.surfaces[p.count++];
    s.pixels = p.rest & around.within(s.first, stepPx_);
    p.rest &= ~s.pixels;
    p.anyLarge |= s.isLarge(fewest_);
    p.allFar &= std::fabs(s.first - p.own) > 4 * stepPx_;
  }
  // Small ones matter beside large ones only, as a part of a slope.
  bool isDone(const EdgePixel& p) const {
    return p.count == kMaxSurfaces || std::popcount(p.rest) < (p.anyLarge && !filling_ ? 1 : fewest_);
  }

  // Drops the surfaces that are connected to a pixel's own, of limits `own`.
  void dropOwn(const Surroundings& around, Limits own, EdgePixel& p) const {
    float least = own.low, most = own.high;
    for (int i = 0; i < p.count; ++i) {
      Surface& s = p.surfaces[i];
      s.low = s.high = s.first;
      around.limits(s.pixels, s.low, s.high);
      least = std::min(least, s.low);
      most = std::max(most, s.high);
    }
    if (!(most - least > 2 * stepPx_)) {
      p.count = 0;
      return;
    }
    for (bool grown = true; grown;) {
      grown = false;
      for (int i = 0; i < p.count; ++i) {
        const Surface s = p.surfaces[i];
        if (s.low - own.high > stepPx_ || own.low - s.high > stepPx_) continue;
        own = {std::min(own.low, s.low), std::max(own.high, s.high)};
        std::copy(p.surfaces + i + 1, p.surfaces + p.count, p.surfaces + i);
        --p.count, --i;
        grown = true;
      }
    }
  }

  bool filling_;
  int fewest_;
  float stepPx_;
  Rings rings_;
  std::vector<int> todo_;  // pixels
  std::vector<Limits> limits_;
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
