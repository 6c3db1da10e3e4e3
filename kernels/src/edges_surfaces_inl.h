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

  // Widens [low, high] to some pixels' least and greatest disparity, of those that lie within step of it.
  void widen(PixelSet pixels, float step, float& low, float& high) const {
    const Row d;
    const auto from = hn::Set(d, low), to = hn::Set(d, high), most = hn::Set(d, step);
    auto least = from, greatest = to;
    const int lanes = rowLanes();
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kLanes; i += lanes) {
        const auto value = hn::LoadU(d, row(j) + i);
        const auto isConnected = hn::And(hn::Le(hn::Sub(from, value), most), hn::Le(hn::Sub(value, to), most));
        const auto chosen = hn::And(isConnected, maskOf(pixels & kInside, j, i));
        least = hn::IfThenElse(chosen, hn::Min(least, value), least);
        greatest = hn::IfThenElse(chosen, hn::Max(greatest, value), greatest);
      }
    }
    low = hn::GetLane(hn::MinOfLanes(d, least));
    high = hn::GetLane(hn::MaxOfLanes(d, greatest));
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
  float first;
  bool isLarge(int fewest) const { return std::popcount(pixels) >= fewest; }
};

// A pixel near an edge and the surfaces around it, the nearest first.
struct EdgePixel {
  int u;
  float own;        // its disparity; NaN: a hole
  PixelSet others;  // around it, further than stepPx from its own, or all that aren't holes
  PixelSet rest;    // of these, those of no surface so far
  int count;
  bool anyLarge;
  Surface surfaces[kMaxSurfaces];
};

// The large surfaces around the pixels of one row, a step at a time for all of them: a pixel's next step waits for its
// last one, and what becomes of it can't be foretold.
class SurfaceFinder {
 public:
  // filling: all pixels are holes; fewest: pixels of a large surface.
  SurfaceFinder(bool filling, int fewest, float stepPx, int width)
      : filling_(filling), fewest_(fewest), stepPx_(stepPx), todo_(static_cast<size_t>(width) + 1) {}

  // Those other than a pixel's own: what is connected to it by steps of at most stepPx, as on a slope, is its own too. Of more than
  // kMaxSurfaces the farthest are left out. None where a pixel's surroundings span no more than two steps. Small ones may be among
  // them. Each pixel: all `others` in `rest`, at least `fewest`, and nothing found.
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
    std::iota(todo_.begin(), todo_.begin() + static_cast<ptrdiff_t>(count), 0);
    const size_t unclear = keep(count, [&](int i) HWY_ATTR {
      EdgePixel& p = pixels[i];
      p.count = p.anyLarge ? p.count : 0;
      // What is connected reaches one step beyond its own surface, which reaches one step: mostly nothing else lies there.
      return p.anyLarge && (p.others & Surroundings(map, p.u, v).within(p.own, 2.5f * stepPx_)) != 0;
    });
    for (size_t k = 0; k < unclear; ++k) dropOwn(Surroundings(map, pixels[todo_[k]].u, v), pixels[todo_[k]]);
  }

 private:
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
  }
  // No large surface is left; nor are there so many that it matters for a slope which pixels belong to the farthest.
  bool isDone(const EdgePixel& p) const {
    const int left = std::popcount(p.rest);
    return p.count == kMaxSurfaces || (left < fewest_ && (!p.anyLarge || filling_ || p.count + left <= kMaxSurfaces));
  }

  // Drops the surfaces that are connected to a pixel's own, and small ones.
  void dropOwn(const Surroundings& around, EdgePixel& p) const {
    const auto keepSurfaces = [&](auto test) {
      Surface* const end = std::remove_if(p.surfaces, p.surfaces + p.count, [&](const Surface& s) { return !test(s); });
      p.count = static_cast<int>(end - p.surfaces);
    };
    const PixelSet all = p.count == kMaxSurfaces ? ~p.rest : ~PixelSet{0};
    keepSurfaces([&](const Surface& s) { return s.isLarge(fewest_); });
    float low = p.own, high = p.own, lastLow, lastHigh;
    do {
      lastLow = low, lastHigh = high;
      around.widen(all, stepPx_, low, high);
      keepSurfaces([&](const Surface& s) { return s.first - high > stepPx_ || low - s.first > stepPx_; });
    } while (p.count > 0 && (low != lastLow || high != lastHigh));
    const auto isFar = [&](const Surface& s) { return std::fabs(s.first - p.own) > 2 * stepPx_; };
    if (std::any_of(p.surfaces, p.surfaces + p.count, isFar)) return;
    low = high = p.own;
    around.widen(~PixelSet{0}, kInfinity, low, high);
    if (!(high - low > 2 * stepPx_)) p.count = 0;
  }

  bool filling_;
  int fewest_;
  float stepPx_;
  Rings rings_;
  std::vector<int> todo_;  // pixels
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
