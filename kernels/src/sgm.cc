// SPDX-License-Identifier: Apache-2.0
// For the population count of bytes.
#define HWY_WANT_AVX3_DL

#include "sgm.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "big_buffer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sgm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Two sweeps over the image aggregate four paths each: downwards those from the left, above left, above and
// above right; upwards the mirrored ones. With e = L - C, which lies in [0, P2],
//   e(d) = min(min(L(q, d), L(q, d - 1) + P1, L(q, d + 1) + P1) - least(q), P2),
// the sums are 8 C + (e of the 4 paths downwards) + (e of the 4 paths upwards). The first sweep stores its four e as
// one byte a candidate, the only volume in memory; the second computes the costs anew, which is cheaper
// than to read them, and hands on finished rows. A path starts where P2 is set to 0: then e = 0, whatever is before it.
//
// L stays within 8 bits: C <= 64 and e <= 63, so that 255, which saturating addition keeps, always means "no such
// candidate": 255 - least >= 128 > P2.
namespace altiplano {
namespace {
#ifndef ALTIPLANO_SGM_ONCE
#define ALTIPLANO_SGM_ONCE
constexpr int kPaths = 4, kAbove = 3;  // kAbove: those from another row
constexpr uint8_t kInfinite = 255;
// Where the previous pixel of each path (along the row, above left, above, above right) lies along u, times the
// sweep's direction.
constexpr int kSteps[kPaths] = {-1, -1, 0, 1};
constexpr int gapOf(int stride) { return stride % 64 == 0 ? 64 : 32; }  // slots of whole cache lines or halves of them

// What a path from another row knows of that row and, as far as it is done, of this one:
//
//   ... 255 255 | L(0) L(1) ... L(count-1) 255 ... | 255 255 ...     one slot of gap + stride bytes per pixel
//        gap    |          stride bytes            |   next slot's gap
//
// A neighbour whose `low` differs by s is read s bytes further on, into the gap if need be. Pixel i (counted in the
// sweep's direction) is written to slot i, and its predecessor is always in slot i + 1, because
// from row to row all slots are renumbered: by `drift` = 2 for the path from above left, 1 from above, 0 from above right.
// So one row of slots is enough, and nothing is overwritten before it was read.
class PathRow {
 public:
  PathRow(int pixels, int stride, int drift)
      : drift_(drift), slots_(pixels + 1), gap_(gapOf(stride)), slot_(stride + gap_), room_(kRows * drift), start_(room_),
        bytes_(static_cast<size_t>(slots_ + room_) * static_cast<size_t>(slot_) + kRowAlignment),
        least_(static_cast<size_t>(slots_ + room_)) {
    std::memset(bytes_.data(), kInfinite, bytes_.size());
  }
  void nextRow() {
    if (start_ < drift_) {
      std::memmove(slotAt(room_), slotAt(start_), static_cast<size_t>(slots_) * static_cast<size_t>(slot_));
      std::memmove(least_.data() + room_, least_.data() + start_, static_cast<size_t>(slots_));
      start_ = room_;
    }
    start_ -= drift_;
  }
  int slotBytes() const { return slot_; }
  uint8_t* l() { return slotAt(start_) + gap_; }
  uint8_t* least() { return least_.data() + start_; }

 private:
  static constexpr int kRows = 32;  // until all slots are moved back
  uint8_t* slotAt(int slot) { return bytes_.data() + static_cast<ptrdiff_t>(slot) * slot_; }
  int drift_, slots_, gap_, slot_, room_, start_;
  BigBuffer bytes_;
  std::vector<uint8_t> least_;
};

// L of the path along the row, with room on both sides for shifted reads of whole vectors.
class Along {
 public:
  explicit Along(int stride) : values_(stride + 2 * kRoom, 1) {
    std::memset(values_.view().row(0), kInfinite, static_cast<size_t>(stride + 2 * kRoom));
  }
  uint8_t* l() { return values_.view().row(0) + kRoom; }

 private:
  static constexpr int kRoom = 128;
  Image<uint8_t> values_;
};

// L as pixels see it whose `low` differs from that of the paths' previous pixels.
class Shifted {
 public:
  explicit Shifted(int stride) : stride_(stride), gap_(gapOf(stride)), rows_(stride + 2 * kRowAlignment, kPaths + 1) {}

  // `l` for a `low` higher by `shift`, in place if the gap allows it.
  const uint8_t* of(const uint8_t* l, int shift, int path) {
    if (shift > -gap_ && shift < gap_) return l + shift;
    uint8_t* const to = rows_.view().row(path) + gap_;
    std::memset(to - gap_, kInfinite, static_cast<size_t>(stride_ + 2 * gap_));
    const int first = std::max(0, shift - gap_), last = std::min(stride_, shift + stride_ + gap_);
    if (first < last) std::memcpy(to + first - shift, l + first, static_cast<size_t>(last - first));
    return to;
  }
  // Aligned room for a copy.
  uint8_t* copy() { return rows_.view().row(kPaths); }

 private:
  int stride_, gap_;
  Image<uint8_t> rows_;
};
#endif
}  // namespace
}  // namespace altiplano

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D8>
using Bytes = hn::Vec<D8>;

// Lanes k - 1 of what starts with lane 0 in `here`, `before` being the vector before it.
template <class D8>
HWY_INLINE Bytes<D8> lanesBefore(D8 d8, Bytes<D8> before, Bytes<D8> here) {
#if HWY_TARGET == HWY_SCALAR
  (void)d8, (void)here;
  return before;
#else
  if constexpr (hn::MaxLanes(D8()) == 16) {
    return hn::CombineShiftRightBytes<15>(d8, here, before);
  } else if constexpr (hn::MaxLanes(D8()) == 32) {
    return hn::CombineShiftRightBytes<15>(d8, here, hn::ConcatLowerUpper(d8, here, before));
  } else {
#if HWY_TARGET <= HWY_AVX3
    return hn::CombineShiftRightBytes<15>(d8, here, Bytes<D8>{_mm512_alignr_epi64(here.raw, before.raw, 6)});
#endif
  }
#endif
}

// Lanes k + 1, `after` being the vector after it.
template <class D8>
HWY_INLINE Bytes<D8> lanesAfter(D8 d8, Bytes<D8> here, Bytes<D8> after) {
#if HWY_TARGET == HWY_SCALAR
  (void)d8, (void)here;
  return after;
#else
  if constexpr (hn::MaxLanes(D8()) == 16) {
    return hn::CombineShiftRightBytes<1>(d8, after, here);
  } else if constexpr (hn::MaxLanes(D8()) == 32) {
    return hn::CombineShiftRightBytes<1>(d8, hn::ConcatLowerUpper(d8, after, here), here);
  } else {
#if HWY_TARGET <= HWY_AVX3
    return hn::CombineShiftRightBytes<1>(d8, Bytes<D8>{_mm512_alignr_epi64(after.raw, here.raw, 2)}, here);
#endif
  }
#endif
}

#if HWY_TARGET != HWY_SCALAR
using Block = hn::Vec<hn::CappedTag<uint8_t, 16>>;

// Lanes 0..15 and their like, the lesser of each.
template <class D8>
HWY_INLINE Block foldToBlock(D8 d8, Bytes<D8> v) {
  if constexpr (hn::MaxLanes(D8()) == 16) {
    return v;
  } else {
    const hn::Half<D8> half;
    return foldToBlock(half, hn::Min(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

// The least lane, in all lanes.
template <class D8>
HWY_INLINE Bytes<D8> leastEverywhere(D8 d8, Bytes<D8> v) {
#if HWY_TARGET == HWY_SCALAR
  (void)d8;
  return v;
#else
  const hn::CappedTag<uint16_t, 8> d16;
  const auto pairs = hn::BitCast(d16, foldToBlock(d8, v));
  const auto each = hn::Min(hn::And(pairs, hn::Set(d16, 0xFF)), hn::ShiftRight<8>(pairs));
  return hn::Set(d8, static_cast<uint8_t>(hn::GetLane(hn::MinOfLanes(d16, each))));
#endif
}

// The least lane of each of three vectors, in the three low bytes.
template <class D8>
HWY_INLINE uint32_t leastOfThree(D8 d8, Bytes<D8> a, Bytes<D8> b, Bytes<D8> c) {
#if HWY_TARGET == HWY_SCALAR
  (void)d8;
  return static_cast<uint32_t>(hn::GetLane(a) | hn::GetLane(b) << 8 | hn::GetLane(c) << 16);
#else
  // Interleave and halve twice: then each 32-bit lane holds one byte of a, b, c and c.
  const hn::Repartition<uint16_t, D8> d16;
  const auto ab = hn::BitCast(d16, hn::Min(hn::InterleaveLower(d8, a, b), hn::InterleaveUpper(d8, a, b)));
  const auto cc = hn::BitCast(d16, hn::Min(hn::InterleaveLower(d8, c, c), hn::InterleaveUpper(d8, c, c)));
  const auto abcc =
      hn::Min(hn::BitCast(d8, hn::InterleaveLower(d16, ab, cc)), hn::BitCast(d8, hn::InterleaveUpper(d16, ab, cc)));
  const hn::CappedTag<uint8_t, 16> block;
  const hn::Repartition<uint32_t, decltype(block)> d32;
  const auto four = foldToBlock(d8, abcc);
  const auto two = hn::Min(four, hn::BitCast(block, hn::Shuffle1032(hn::BitCast(d32, four))));
  const auto one = hn::Min(two, hn::BitCast(block, hn::Shuffle2301(hn::BitCast(d32, two))));
  return hn::GetLane(hn::BitCast(d32, one));
#endif
}

// P2 between the pixels of row v and those `du` columns on in row qv, 0 where that pixel is not part of a path.
void penaltiesOfRow(ImageView<const float> image, const SgmOptions& options, int v, const RowExtent& here, int qv, int du,
                    const RowExtent& there, uint8_t* p2) {
  const int first = std::max(here.first, there.first - du), last = std::min(here.last, there.last - du);
  if (here.first > here.last) return;
  std::memset(p2 + here.first, 0, static_cast<size_t>(here.last - here.first + 1));
  if (first > last) return;
  const float *row = image.row(v), *other = image.row(qv) + du;
  int u = first;
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto whole = hn::Set(di, options.p2), least = hn::Set(di, std::max(options.p2Min, options.p1 + 1));
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), start = hn::Set(df, options.p2Start);
  const auto gradient = hn::Set(df, options.p2Gradient), p2f = hn::Set(df, static_cast<float>(options.p2));
  if (options.p2Gradient > 0) {
    // adaptedP2, lane by lane.
    for (; u + lanes - 1 <= last; u += lanes) {
      const auto a = hn::LoadU(df, row + u), b = hn::LoadU(df, other + u);
      const auto sum = hn::Add(hn::Abs(a), hn::Abs(b));
      const auto excess = hn::Sub(hn::Div(hn::Abs(hn::Sub(a, b)), sum), start);
      const auto lowers = hn::And(hn::Gt(sum, zero), hn::Gt(excess, zero));
      const auto divisor = hn::Add(one, hn::Mul(gradient, hn::IfThenElseZero(lowers, excess)));
      const auto lowered = hn::Max(hn::ConvertTo(di, hn::Div(p2f, divisor)), least);
      hn::StoreU(hn::DemoteTo(d8, hn::IfThenElse(hn::RebindMask(di, lowers), hn::Min(whole, lowered), whole)), d8, p2 + u);
    }
  }
  for (; u <= last; ++u) p2[u] = static_cast<uint8_t>(adaptedP2(options, row[u], other[u]));
}

// One row of the secondary: the bytes of its codes in planes, and 0 or kMissingCost; `stride` missing columns on both
// sides, so that any clamped start can be read.
class SecondaryRow {
 public:
  SecondaryRow(int width, int stride)
      : width_(width), stride_(stride), codes_(width + 2 * stride, kCensusBytes), missing_(width + 2 * stride, 1) {
    std::memset(missing_.view().row(0), kMissingCost, static_cast<size_t>(width + 2 * stride));
  }
  void load(const SgmInput& in, int v) {
    for (int b = 0; b < kCensusBytes; ++b) {
      std::memcpy(codes_.view().row(b) + stride_, in.secCensus.row(kCensusBytes * v + b), static_cast<size_t>(width_));
    }
    const uint16_t* validity = in.secValidity.row(v);
    uint8_t* missing = missing_.view().row(0) + stride_;
    for (int x = 0; x < width_; ++x) missing[x] = validity[x] != 0 ? kMissingCost : 0;
  }
  ptrdiff_t at(int column) const { return std::clamp(column, -stride_, width_) + stride_; }
  const uint8_t* codes(int byte) const { return codes_.view().row(byte); }
  const uint8_t* missing() const { return missing_.view().row(0); }

 private:
  int width_, stride_;
  Image<uint8_t> codes_, missing_;
};

// All that a sweep needs of one row; pixel arrays are indexed by u.
struct RowTask {
  const uint8_t* refCodes[kCensusBytes];
  const uint8_t* usable;   // 0xFF or 0
  const uint8_t* moved;    // 1 where `low` differs from a predecessor's
  const int16_t *low, *lowAbove;
  const uint8_t* p2[kPaths];  // along, from above left, above, above right
  const SecondaryRow* secondary;
  const uint8_t* padding;  // kInfinite from candidate `count` on
  RowExtent extent;
  int dv, width, stride, p1, secOffset;
  uint8_t* excesses;  // (u, k): sums of the first sweep's e
  uint16_t* sums;     // of the second sweep
};

template <bool kLast, class D8>
HWY_NOINLINE void sweepRow(D8 d8, const RowTask& row, PathRow* const (&paths)[kAbove], Along& alongRow,
                           Shifted& scratch) {
  const int lanes = static_cast<int>(hn::Lanes(d8));
  const int stride = row.stride;
  uint8_t* const along = alongRow.l();
  const hn::Half<D8> dHalf;
  const hn::Rebind<uint16_t, decltype(dHalf)> d16;
  const int slot = paths[0]->slotBytes();
  const auto infinite = hn::Set(d8, kInfinite), vP1 = hn::Set(d8, static_cast<uint8_t>(row.p1));
  const int first = row.dv > 0 ? row.extent.first : row.width - 1 - row.extent.last;
  const int last = row.dv > 0 ? row.extent.last : row.width - 1 - row.extent.first;
  auto leastAlong = hn::Zero(d8);
  for (int i = first; i <= last; ++i) {
    const int u = row.dv > 0 ? i : row.width - 1 - i;
    uint8_t* after[kAbove];
    const uint8_t* before[kAbove];
    Bytes<D8> least[kAbove], p2[kAbove], low[kAbove];
    for (int r = 0; r < kAbove; ++r) {
      after[r] = paths[r]->l() + static_cast<ptrdiff_t>(i) * slot;
      before[r] = after[r] + slot;
      low[r] = infinite;
      least[r] = hn::Set(d8, paths[r]->least()[i + 1]);
      p2[r] = hn::Set(d8, row.p2[r + 1][u]);
    }
    // What lies beyond the range counts as a neighbour where the previous pixel's range reaches that far.
    auto alongBefore = infinite, alongEnd = infinite;
    if (HWY_UNLIKELY(row.moved[u] != 0)) {
      for (int r = 0; r < kAbove; ++r) {
        if (row.p2[r + 1][u] == 0) continue;
        const int shift = row.low[u] - row.lowAbove[u + (r - 1) * row.dv];
        before[r] = scratch.of(before[r], shift, r);
      }
      const int shift = row.p2[0][u] == 0 ? 0 : row.low[u] - row.low[u - row.dv];
      if (shift != 0) {
        const uint8_t* const from = scratch.of(along, shift, kAbove);
        alongBefore = hn::LoadU(d8, from - lanes);
        alongEnd = hn::LoadU(d8, from + stride);
        for (int k = 0; k < stride; k += lanes) hn::Store(hn::LoadU(d8, from + k), d8, scratch.copy() + k);
        for (int k = 0; k < stride; k += lanes) hn::Store(hn::Load(d8, scratch.copy() + k), d8, along + k);
      }
    }
    const auto p2Along = hn::Set(d8, row.p2[0][u]);
    auto lowAlong = infinite, alongHere = hn::Load(d8, along);
    const ptrdiff_t at = row.secondary->at(u + row.low[u] + row.secOffset);
    const uint8_t* sec[kCensusBytes];
    Bytes<D8> ref[kCensusBytes];
    for (int b = 0; b < kCensusBytes; ++b) {
      sec[b] = row.secondary->codes(b) + at;
      ref[b] = hn::Set(d8, row.refCodes[b][u]);
    }
    const uint8_t* const missing = row.secondary->missing() + at;
    const auto usable = hn::Set(d8, row.usable[u]);
    uint8_t* const excesses = row.excesses + static_cast<ptrdiff_t>(u) * stride;
    uint16_t* const sums = row.sums + static_cast<ptrdiff_t>(u) * stride;
    for (int k = 0; k < stride; k += lanes) {
      auto cost = hn::PopulationCount(hn::Xor(ref[0], hn::LoadU(d8, sec[0] + k)));
      for (int b = 1; b < kCensusBytes; ++b) {
        cost = hn::Add(cost, hn::PopulationCount(hn::Xor(ref[b], hn::LoadU(d8, sec[b] + k))));
      }
      const auto gone = hn::LoadU(d8, missing + k), pad = hn::Load(d8, row.padding + k);
      cost = hn::Or(hn::And(hn::Max(cost, gone), usable), pad);

      auto excess = hn::Zero(d8);
      const auto step = [&](auto same, auto lower, auto upper, auto l, auto penalty, auto& lowest) HWY_ATTR {
        const auto best = hn::Min(same, hn::SaturatedAdd(hn::Min(lower, upper), vP1));
        const auto e = hn::Min(hn::Sub(best, l), penalty);
        excess = hn::Add(excess, e);
        const auto now = hn::SaturatedAdd(cost, e);
        lowest = hn::Min(lowest, now);
        return now;
      };
      for (int r = 0; r < kAbove; ++r) {
        const uint8_t* const l = before[r] + k;
        const auto now = step(hn::LoadU(d8, l), hn::LoadU(d8, l - 1), hn::LoadU(d8, l + 1), least[r], p2[r], low[r]);
        hn::Store(now, d8, after[r] + k);
      }
      const auto alongAfter = k + lanes < stride ? hn::Load(d8, along + k + lanes) : alongEnd;
      const auto now = step(alongHere, lanesBefore(d8, alongBefore, alongHere), lanesAfter(d8, alongHere, alongAfter),
                            leastAlong, p2Along, lowAlong);
      hn::Store(now, d8, along + k);
      alongBefore = alongHere;
      alongHere = alongAfter;

      if constexpr (!kLast) {
        hn::Store(excess, d8, excesses + k);
      } else {
        const auto none = hn::Or(pad, hn::VecFromMask(d8, hn::Ne(gone, hn::Zero(d8))));
        const auto add = [&](auto c, auto up, auto down, auto out, uint16_t* to) HWY_ATTR {
          const hn::RebindToSigned<decltype(d16)> dSigned;
          const auto sum = hn::Add(hn::ShiftLeft<3>(hn::PromoteTo(d16, c)), hn::Add(hn::PromoteTo(d16, up), hn::PromoteTo(d16, down)));
          const auto strike = hn::BitCast(d16, hn::PromoteTo(dSigned, hn::BitCast(hn::RebindToSigned<decltype(dHalf)>(), out)));
          hn::Store(hn::Or(sum, strike), d16, to);
        };
        const auto down = hn::Load(d8, excesses + k);
#if HWY_TARGET == HWY_SCALAR
        add(cost, excess, down, none, sums + k);
#else
        add(hn::LowerHalf(dHalf, cost), hn::LowerHalf(dHalf, excess), hn::LowerHalf(dHalf, down), hn::LowerHalf(dHalf, none), sums + k);
        add(hn::UpperHalf(dHalf, cost), hn::UpperHalf(dHalf, excess), hn::UpperHalf(dHalf, down), hn::UpperHalf(dHalf, none),
            sums + k + lanes / 2);
#endif
      }
    }
    leastAlong = leastEverywhere(d8, lowAlong);
    const uint32_t three = leastOfThree(d8, low[0], low[1], low[2]);
    for (int r = 0; r < kAbove; ++r) paths[r]->least()[i] = static_cast<uint8_t>(three >> (8 * r));
  }
}

template <class D8>
void sgmWith(D8 d8, const SgmInput& in, const SgmOptions& options, const SumsSink& sink) {
  const int width = in.width(), height = in.height(), count = in.count, stride = sgmStride(count);
  BigBuffer excesses(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(stride));
  Image<uint16_t> sums(width * stride, 1);
  SecondaryRow secondary(in.secCensus.width, stride);
  Image<uint8_t> p2(width, kPaths), usable(width, 1), moved(width, 1), padding(stride, 1);
  std::fill(padding.view().row(0) + count, padding.view().row(0) + stride, kInfinite);
  Along along(stride);
  Shifted scratch(stride);

  for (const int dv : {1, -1}) {
    PathRow aboveLeft(width, stride, 2), above(width, stride, 1), aboveRight(width, stride, 0);
    PathRow* const paths[kAbove] = {&aboveLeft, &above, &aboveRight};
    RowExtent before{0, -1};
    for (int j = 0; j < height; ++j) {
      const int v = dv > 0 ? j : height - 1 - j;
      const RowExtent extent = extentOf(in.refValidity, v);
      for (PathRow* path : paths) path->nextRow();
      if (extent.first <= extent.last) {
        secondary.load(in, v);
        const int16_t *low = in.low.row(v), *lowAbove = j > 0 ? in.low.row(v - dv) : low;
        const uint16_t* validity = in.refValidity.row(v);
        for (int u = extent.first; u <= extent.last; ++u) {
          const int left = std::max(u - 1, 0), right = std::min(u + 1, width - 1);
          usable.view().at(u, 0) = validity[u] == 0 ? 0xFF : 0;
          moved.view().at(u, 0) = (low[u] != low[dv > 0 ? left : right]) | (low[u] != lowAbove[left]) |
                                  (low[u] != lowAbove[u]) | (low[u] != lowAbove[right]);
        }
        for (int r = 0; r < kPaths; ++r) {
          penaltiesOfRow(in.refImage, options, v, extent, r == 0 ? v : v - dv, kSteps[r] * dv, r == 0 ? extent : before,
                         p2.view().row(r));
        }
        RowTask row{};
        for (int b = 0; b < kCensusBytes; ++b) row.refCodes[b] = in.refCensus.row(kCensusBytes * v + b);
        for (int r = 0; r < kPaths; ++r) row.p2[r] = p2.view().row(r);
        row.usable = usable.view().row(0);
        row.moved = moved.view().row(0);
        row.low = low;
        row.lowAbove = lowAbove;
        row.secondary = &secondary;
        row.padding = padding.view().row(0);
        row.extent = extent;
        row.dv = dv, row.width = width, row.stride = stride, row.p1 = options.p1, row.secOffset = in.secOffset;
        row.excesses = excesses.data() + static_cast<size_t>(v) * static_cast<size_t>(width) * static_cast<size_t>(stride);
        row.sums = sums.view().row(0);
        if (dv > 0) {
          sweepRow<false>(d8, row, paths, along, scratch);
        } else {
          sweepRow<true>(d8, row, paths, along, scratch);
        }
      }
      before = extent;
      if (dv < 0) sink(v, sums.view().row(0));
    }
  }
}

void sgmSimd(const SgmInput& input, const SgmOptions& options, const SumsSink& sink) {
  const hn::ScalableTag<uint8_t> whole;
  const hn::CappedTag<uint8_t, kSgmPadding> padding;
  if (static_cast<size_t>(sgmStride(input.count)) % hn::Lanes(whole) == 0) {
    sgmWith(whole, input, options, sink);
  } else {
    sgmWith(padding, input, options, sink);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(sgmSimd);

void sgm(const SgmInput& input, const SgmOptions& options, const SumsSink& sink) {
  assert(options.p1 > 0 && options.p1 <= options.p2 && options.p2 <= kMaxP2);
  HWY_DYNAMIC_DISPATCH(sgmSimd)(input, options, sink);
}

RowExtent extentOf(ImageView<const uint16_t> refValidity, int v) {
  const uint16_t* row = refValidity.row(v);
  RowExtent extent{0, refValidity.width - 1};
  while (extent.first <= extent.last && row[extent.first] != 0) ++extent.first;
  while (extent.last > extent.first && row[extent.last] != 0) --extent.last;
  return extent;
}
}  // namespace altiplano
#endif
