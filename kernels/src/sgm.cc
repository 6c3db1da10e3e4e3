// SPDX-License-Identifier: Apache-2.0
// For the population count of 64-bit lanes.
#define HWY_WANT_AVX3_DL

#include "sgm.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sgm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Two sweeps over the image aggregate four paths each: downwards those from the left, above left, above and
// above right; upwards the mirrored ones. What a path needs of its previous pixel:
//
//   ... 255 255 | L(0) L(1) ... L(count-1) 255 ... | 255 255 ...     one slot of kGap + stride bytes per pixel
//        gap    |          stride bytes            |   next slot's gap
//
// L beyond the range is 255, which saturating addition keeps at 255: such a disparity is never chosen, because
// min L + P2 <= 254. A neighbour whose `low` differs by s is read s bytes further on, into the gap if need be.
// Costs are computed twice, once per sweep, so that the sums are the only volume in memory.
namespace altiplano {
namespace {
#ifndef ALTIPLANO_SGM_ONCE
#define ALTIPLANO_SGM_ONCE
constexpr int kGap = 64;
constexpr int kPaths = 4;
constexpr uint8_t kInfinite = 255;
// Where the previous pixel of each path (along the row, above left, above, above right) lies along u, times the
// sweep's direction.
constexpr int kSteps[kPaths] = {-1, -1, 0, 1};
#endif
}  // namespace
}  // namespace altiplano

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A path's previous pixel as the current one sees it: L at the current pixel's candidate 0, and min L.
struct Before {
  const uint8_t* l;
  uint8_t least;
  uint8_t p2;
};

// Secondary row with `count` missing columns on both sides, so that any clamped start can be read.
struct SecondaryRow {
  const uint64_t* codes;
  const uint8_t* missing;  // 0 or kMissingCost
};

// cost[k] for k < stride; kInfinite from count on. Reads secondary columns [start, start + stride).
template <class D8>
void costsOfPixel(D8 d8, uint64_t code, bool usable, const SecondaryRow& sec, int count, int stride, uint8_t* cost) {
  const hn::Rebind<uint64_t, hn::CappedTag<uint8_t, HWY_MAX_BYTES / 8>> d64;
  const hn::Rebind<uint8_t, decltype(d64)> dTo;
  const int lanes64 = static_cast<int>(hn::Lanes(d64));
  const int lanes = static_cast<int>(hn::Lanes(d8));
  if (usable) {
    const auto reference = hn::Set(d64, code);
    for (int k = 0; k < stride; k += lanes64) {
      const auto bits = hn::PopulationCount(hn::Xor(hn::LoadU(d64, sec.codes + k), reference));
      hn::StoreU(hn::TruncateTo(dTo, bits), dTo, cost + k);
    }
    for (int k = 0; k < stride; k += lanes) {
      hn::Store(hn::Max(hn::Load(d8, cost + k), hn::LoadU(d8, sec.missing + k)), d8, cost + k);
    }
  } else {
    std::memset(cost, 0, static_cast<size_t>(stride));
  }
  std::memset(cost + count, kInfinite, static_cast<size_t>(stride - count));
}

// The least lane of each of four vectors.
template <class D8>
void leastOfFour(D8 d8, hn::Vec<D8> a, hn::Vec<D8> b, hn::Vec<D8> c, hn::Vec<D8> d, uint8_t (&least)[kPaths]) {
#if HWY_TARGET == HWY_SCALAR
  (void)d8;
  least[0] = hn::GetLane(a);
  least[1] = hn::GetLane(b);
  least[2] = hn::GetLane(c);
  least[3] = hn::GetLane(d);
#else
  // Interleave and halve twice: then each 32-bit lane holds one byte of a, b, c and d.
  const hn::Repartition<uint16_t, D8> d16;
  const hn::Repartition<uint32_t, D8> d32;
  const auto ab = hn::BitCast(d16, hn::Min(hn::InterleaveLower(d8, a, b), hn::InterleaveUpper(d8, a, b)));
  const auto cd = hn::BitCast(d16, hn::Min(hn::InterleaveLower(d8, c, d), hn::InterleaveUpper(d8, c, d)));
  const auto abcd =
      hn::Min(hn::BitCast(d8, hn::InterleaveLower(d16, ab, cd)), hn::BitCast(d8, hn::InterleaveUpper(d16, ab, cd)));
  // Of the 32-bit lanes, take the least bytes: within blocks of four, then of all blocks.
  const auto swapped = hn::Min(abcd, hn::BitCast(d8, hn::Shuffle1032(hn::BitCast(d32, abcd))));
  const auto each = hn::Min(swapped, hn::BitCast(d8, hn::Shuffle2301(hn::BitCast(d32, swapped))));
  HWY_ALIGN uint8_t values[HWY_MAX_BYTES];
  hn::Store(each, d8, values);
  const hn::CappedTag<uint8_t, 16> block;
  auto all = hn::Load(block, values);
  for (size_t i = 16; i < hn::Lanes(d8); i += 16) all = hn::Min(all, hn::Load(block, values + i));
  const uint32_t four = hn::GetLane(hn::BitCast(hn::Repartition<uint32_t, decltype(block)>(), all));
  std::memcpy(least, &four, sizeof(four));
#endif
}

// One pixel of four paths: writes the new L of each path and min L of each; their sums become (first) or are added to
// what the volume has.
template <bool kFirst, class D8>
void stepPixel(D8 d8, const uint8_t* cost, const Before (&before)[kPaths], int p1, int stride,
               uint8_t* const (&after)[kPaths], uint8_t (&least)[kPaths], uint16_t* sums) {
  const int lanes = static_cast<int>(hn::Lanes(d8));
  const hn::Half<D8> dHalf;
  const hn::Rebind<uint16_t, decltype(dHalf)> d16;
  const int half = static_cast<int>(hn::Lanes(d16));
  const auto vP1 = hn::Set(d8, static_cast<uint8_t>(p1));
  auto low0 = hn::Set(d8, kInfinite), low1 = low0, low2 = low0, low3 = low0;
  const auto path = [&](int i, int k, auto c, auto& low) HWY_ATTR {
    const uint8_t* l = before[i].l + k;
    const auto same = hn::LoadU(d8, l);
    const auto step = hn::SaturatedAdd(hn::Min(hn::LoadU(d8, l - 1), hn::LoadU(d8, l + 1)), vP1);
    const auto jump = hn::Set(d8, static_cast<uint8_t>(before[i].least + before[i].p2));
    const auto best = hn::Sub(hn::Min(hn::Min(same, step), jump), hn::Set(d8, before[i].least));
    const auto now = hn::SaturatedAdd(c, best);
    low = hn::Min(low, now);
    hn::StoreU(now, d8, after[i] + k);
    return now;
  };
  for (int k = 0; k < stride; k += lanes) {
    const auto c = hn::Load(d8, cost + k);
    const auto a = path(0, k, c, low0);
    const auto b = path(1, k, c, low1);
    const auto e = path(2, k, c, low2);
    const auto f = path(3, k, c, low3);
    const auto add = [&](auto x, auto y, auto z, auto w, uint16_t* to) HWY_ATTR {
      const auto two = hn::Add(hn::PromoteTo(d16, x), hn::PromoteTo(d16, y));
      const auto four = hn::Add(two, hn::Add(hn::PromoteTo(d16, z), hn::PromoteTo(d16, w)));
      if constexpr (kFirst) {
        hn::StoreU(four, d16, to);
      } else {
        hn::StoreU(hn::Add(hn::LoadU(d16, to), four), d16, to);
      }
    };
#if HWY_TARGET == HWY_SCALAR
    add(a, b, e, f, sums + k);
    (void)half;
#else
    add(hn::LowerHalf(dHalf, a), hn::LowerHalf(dHalf, b), hn::LowerHalf(dHalf, e), hn::LowerHalf(dHalf, f), sums + k);
    add(hn::UpperHalf(dHalf, a), hn::UpperHalf(dHalf, b), hn::UpperHalf(dHalf, e), hn::UpperHalf(dHalf, f),
        sums + k + half);
#endif
  }
  leastOfFour(d8, low0, low1, low2, low3, least);
}

// L of the row before and of this one for the three paths that come from another row, or of the pixel before
// and of this one for the path along the row.
class PathBuffer {
 public:
  PathBuffer(int pixels, int stride)
      : slot_(stride + kGap), values_(pixels * slot_ + 2 * kGap, 2), least_(pixels, 2) {
    for (int i = 0; i < 2; ++i) {
      std::memset(values_.view().row(i), kInfinite, static_cast<size_t>(pixels * slot_ + 2 * kGap));
    }
  }
  void swap() { current_ ^= 1; }
  uint8_t* now(int u) { return values_.view().row(current_) + kGap + static_cast<ptrdiff_t>(u) * slot_; }
  const uint8_t* before(int u) { return values_.view().row(current_ ^ 1) + kGap + static_cast<ptrdiff_t>(u) * slot_; }
  uint8_t& leastNow(int u) { return least_.view().at(u, current_); }
  uint8_t leastBefore(int u) { return least_.view().at(u, current_ ^ 1); }

 private:
  int slot_;
  int current_ = 0;
  Image<uint8_t> values_;
  Image<uint8_t> least_;
};

// P2 between the pixels of row v and those `du` columns on in row qv, where both exist.
void penaltiesOfRow(ImageView<const float> image, const SgmOptions& options, int v, int qv, int du, uint8_t* p2) {
  if (qv < 0 || qv >= image.height) return;
  const float *row = image.row(v), *other = image.row(qv) + du;
  const int end = std::min(image.width, image.width - du);
  for (int u = std::max(0, -du); u < end; ++u) p2[u] = static_cast<uint8_t>(adaptedP2(options, row[u], other[u]));
}

// `l` as a pixel sees it whose low is `shift` higher.
const uint8_t* shifted(const uint8_t* l, int shift, int stride, uint8_t* scratch) {
  if (shift > -kGap + 1 && shift < kGap - 1) return l + shift;
  std::memset(scratch, kInfinite, static_cast<size_t>(stride + 2 * kGap));
  const int first = std::max(0, shift - kGap), last = std::min(stride, shift + stride + kGap);
  if (first < last) std::memcpy(scratch + kGap + first - shift, l + first, static_cast<size_t>(last - first));
  return scratch + kGap;
}

template <class D8>
void sgmWith(D8 d8, const SgmInput& in, const SgmOptions& options, CostVolume& volume) {
  const int width = volume.width(), height = volume.height(), count = volume.count(), stride = volume.stride();
  const int secWidth = in.secCensus.width;
  PathBuffer along(1, stride), aboveLeft(width, stride), above(width, stride), aboveRight(width, stride);
  PathBuffer* const paths[kPaths] = {&along, &aboveLeft, &above, &aboveRight};
  Image<uint8_t> start(stride + 2 * kGap, 1);  // zeros: a path's first pixel has L = C
  Image<uint8_t> scratch(stride + 2 * kGap, kPaths);
  Image<uint8_t> cost(stride, 1);
  Image<uint8_t> p2(width, kPaths);
  Image<uint64_t> secCodes(secWidth + 2 * stride, 1);
  Image<uint8_t> secMissing(secWidth + 2 * stride, 1);
  std::memset(secMissing.view().row(0), kMissingCost, static_cast<size_t>(secWidth + 2 * stride));
  const hn::Half<D8> dHalf;
  const hn::Rebind<uint16_t, decltype(dHalf)> d16;
  const int lanes16 = static_cast<int>(hn::Lanes(d16));

  for (const int dv : {1, -1}) {
    for (int j = 0; j < height; ++j) {
      const int v = dv > 0 ? j : height - 1 - j;
      std::memcpy(secCodes.view().row(0) + stride, in.secCensus.row(v),
                  sizeof(uint64_t) * static_cast<size_t>(secWidth));
      for (int x = 0; x < secWidth; ++x) {
        secMissing.view().at(stride + x, 0) = in.secValidity.at(x, v) != 0 ? kMissingCost : 0;
      }
      for (int r = 0; r < kPaths; ++r) {
        penaltiesOfRow(in.refImage, options, v, r == 0 ? v : v - dv, kSteps[r] * dv, p2.view().row(r));
      }
      for (PathBuffer* path : {&aboveLeft, &above, &aboveRight}) path->swap();
      for (int i = 0; i < width; ++i) {
        const int u = dv > 0 ? i : width - 1 - i;
        along.swap();
        const int low = in.low.at(u, v);
        const ptrdiff_t first = std::clamp(u + low + in.secOffset, -stride, secWidth) + stride;
        const SecondaryRow sec{secCodes.view().row(0) + first, secMissing.view().row(0) + first};
        costsOfPixel(d8, in.refCensus.at(u, v), in.refValidity.at(u, v) == 0, sec, count, stride, cost.view().row(0));

        Before before[kPaths];
        uint8_t* after[kPaths];
        for (int r = 0; r < kPaths; ++r) {
          const int qu = u + kSteps[r] * dv, qv = r == 0 ? v : v - dv, slot = r == 0 ? 0 : qu;
          after[r] = paths[r]->now(r == 0 ? 0 : u);
          if (qu < 0 || qu >= width || qv < 0 || qv >= height) {
            before[r] = {start.view().row(0) + kGap, 0, 0};
            continue;
          }
          before[r] = {shifted(paths[r]->before(slot), low - in.low.at(qu, qv), stride, scratch.view().row(r)),
                       paths[r]->leastBefore(slot), p2.view().at(u, r)};
        }
        uint8_t least[kPaths];
        uint16_t* sums = volume.at(u, v);
        if (dv > 0) {
          stepPixel<true>(d8, cost.view().row(0), before, options.p1, stride, after, least, sums);
        } else {
          stepPixel<false>(d8, cost.view().row(0), before, options.p1, stride, after, least, sums);
        }
        for (int r = 0; r < kPaths; ++r) paths[r]->leastNow(r == 0 ? 0 : u) = least[r];

        if (dv > 0) continue;
        // The last sweep: strike out what can't win.
        const auto none = hn::Set(d16, kNoCandidate);
        for (int k = 0; k < stride; k += lanes16) {
          const auto missing = hn::PromoteTo(d16, hn::LoadU(hn::Rebind<uint8_t, decltype(d16)>(), sec.missing + k));
          const auto sum = hn::LoadU(d16, sums + k);
          hn::StoreU(hn::IfThenElse(hn::Ne(missing, hn::Zero(d16)), none, sum), d16, sums + k);
        }
        for (int k = count; k < stride; ++k) sums[k] = kNoCandidate;
      }
    }
  }
}

void sgmSimd(const SgmInput& input, const SgmOptions& options, CostVolume& volume) {
  const hn::ScalableTag<uint8_t> whole;
  const hn::CappedTag<uint8_t, CostVolume::kPadding> padding;
  if (static_cast<size_t>(volume.stride()) % hn::Lanes(whole) == 0) {
    sgmWith(whole, input, options, volume);
  } else {
    sgmWith(padding, input, options, volume);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(sgmSimd);

void sgm(const SgmInput& input, const SgmOptions& options, CostVolume& volume) {
  assert(options.p1 > 0 && options.p1 <= options.p2 && options.p2 <= kMaxP2);
  HWY_DYNAMIC_DISPATCH(sgmSimd)(input, options, volume);
}
}  // namespace altiplano
#endif
