// SPDX-License-Identifier: Apache-2.0
// For the population count of bytes.
#define HWY_WANT_AVX3_DL

#include "sgm.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>

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
// The second sweep reads the volume backwards, pixel by pixel, which processors foresee badly: so far ahead it is asked for.
// What lies before the volume may be asked for, too.
constexpr ptrdiff_t kPrefetchBytes = 4096;
// P2 of pixels beside the row, which is 0.
constexpr int kBesideRow = 1;
// Slots are whole cache lines or halves of them, as vectors are. In the gap's middle lies min L.
constexpr int gapOf(int stride) { return stride % 64 == 0 ? 64 : 32; }

// What a path from another row knows of that row and, as far as it is done, of this one:
//
//   255 ... least ... 255 | L(0) L(1) ... L(count-1) 255 ... | 255 ... least     one slot of gap + stride bytes per pixel
//          gap            |          stride bytes            |   next slot's gap
//
// A neighbour whose `low` differs by a little is read so many bytes further on, into the gap if need be. Pixel i (counted
// in the sweep's direction) is written to slot i, and its predecessor is always in slot i + 1, because
// from row to row all slots are renumbered: by `drift` = 2 for the path from above left, 1 from above, 0 from above right.
// So one row of slots is enough, and nothing is overwritten before it was read.
class PathRow {
 public:
  PathRow(int pixels, int stride, int drift)
      : drift_(drift), slots_(pixels + 1), gap_(gapOf(stride)), slot_(stride + gap_), room_(kRows * drift), start_(room_),
        bytes_(static_cast<size_t>(slots_ + room_) * static_cast<size_t>(slot_) + kRowAlignment) {
    std::memset(bytes_.data(), kInfinite, bytes_.size());
  }
  void nextRow() {
    if (start_ < drift_) {
      std::memmove(slotAt(room_), slotAt(start_), static_cast<size_t>(slots_) * static_cast<size_t>(slot_));
      start_ = room_;
    }
    start_ -= drift_;
  }
  uint8_t* l(int i) { return slotAt(start_ + i) + gap_; }

 private:
  static constexpr int kRows = 32;  // until all slots are moved back
  uint8_t* slotAt(int slot) { return bytes_.data() + static_cast<ptrdiff_t>(slot) * slot_; }
  int drift_, slots_, gap_, slot_, room_, start_;
  BigBuffer bytes_;
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
    if (std::abs(shift) < gap_ / 2 - 1) return l + shift;
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
#if HWY_TARGET <= HWY_AVX2
  // Stays among the vectors: this is on the path from one pixel to the next.
  const __m128i least = _mm_minpos_epu16(each.raw);
  if constexpr (hn::MaxLanes(D8()) == 32) {
    return Bytes<D8>{_mm256_broadcastb_epi8(least)};
  } else {
#if HWY_TARGET <= HWY_AVX3
    return Bytes<D8>{_mm512_broadcastb_epi8(least)};
#endif
  }
#else
  return hn::Set(d8, static_cast<uint8_t>(hn::GetLane(hn::MinOfLanes(d16, each))));
#endif
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

// P2 between the pixels of row v and those `du` columns on in row qv, 0 where either is not part of a path.
void penaltiesOfRow(ImageView<const float> image, const SgmOptions& options, int v, const RowExtent& here, int qv, int du,
                    const RowExtent& there, uint8_t* p2) {
  const int first = std::max(here.first, there.first - du), last = std::min(here.last, there.last - du);
  std::memset(p2 - kBesideRow, 0, static_cast<size_t>(image.width + 2 * kBesideRow));
  if (first > last) return;
  const float *row = image.row(v), *other = image.row(qv) + du;
  int u = first;
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto whole = hn::Set(di, options.p2), least = hn::Set(di, std::max(options.p2Min, options.p1 + 1));
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), start = hn::Set(df, options.p2Start);
  const auto alike = hn::Set(df, 0.999f * options.p2Start);
  const auto gradient = hn::Set(df, options.p2Gradient), p2f = hn::Set(df, static_cast<float>(options.p2));
  if (options.p2Gradient > 0) {
    // adaptedP2, lane by lane.
    for (; u + lanes - 1 <= last; u += lanes) {
      const auto a = hn::LoadU(df, row + u), b = hn::LoadU(df, other + u);
      const auto sum = hn::Add(hn::Abs(a), hn::Abs(b)), difference = hn::Abs(hn::Sub(a, b));
      // Most pairs are so much alike that no rounding can make their quotient exceed the start: no need to divide.
      if (hn::AllTrue(df, hn::Lt(difference, hn::Mul(sum, alike)))) {
        hn::StoreU(hn::DemoteTo(d8, whole), d8, p2 + u);
        continue;
      }
      const auto excess = hn::Sub(hn::Div(difference, sum), start);
      const auto lowers = hn::And(hn::Gt(sum, zero), hn::Gt(excess, zero));
      const auto divisor = hn::Add(one, hn::Mul(gradient, hn::IfThenElseZero(lowers, excess)));
      const auto lowered = hn::Max(hn::ConvertTo(di, hn::Div(p2f, divisor)), least);
      hn::StoreU(hn::DemoteTo(d8, hn::IfThenElse(hn::RebindMask(di, lowers), hn::Min(whole, lowered), whole)), d8, p2 + u);
    }
  }
  for (; u <= last; ++u) p2[u] = static_cast<uint8_t>(adaptedP2(options, row[u], other[u]));
}

// One row of the secondary: the bytes of its codes in planes, and in the last plane 0 or kMissingCost; `stride` missing
// columns on both sides, so that any clamped start can be read.
class SecondaryRow {
 public:
  SecondaryRow(int width, int stride) : width_(width), stride_(stride), planes_(width + 2 * stride, kCensusBytes + 1) {
    std::memset(planes_.view().row(kCensusBytes), kMissingCost, static_cast<size_t>(width + 2 * stride));
  }
  void load(const SgmInput& in, int v) {
    for (int b = 0; b < kCensusBytes; ++b) {
      std::memcpy(planes_.view().row(b) + stride_, in.secCensus.row(kCensusBytes * v + b), static_cast<size_t>(width_));
    }
    const uint16_t* HWY_RESTRICT const validity = in.secValidity.row(v);
    uint8_t* HWY_RESTRICT const missing = planes_.view().row(kCensusBytes) + stride_;
    const int width = width_;  // a member might change with every byte written, as far as compilers know
    for (int x = 0; x < width; ++x) missing[x] = validity[x] != 0 ? kMissingCost : 0;
  }
  // Where a pixel's candidate 0 is, if that is secondary column `column`.
  int32_t at(int column) const { return std::clamp(column, -stride_, width_) + stride_; }
  const uint8_t* planes() const { return planes_.view().row(0); }
  ptrdiff_t pitch() const { return planes_.view().stride; }

 private:
  int width_, stride_;
  Image<uint8_t> planes_;
};

// What a sweep needs of each pixel of a row, 4 bytes each so that one index serves all.
struct PixelRows {
  const uint8_t* codes;  // bytes 0 to 3
  const uint8_t* more;   // byte 4; 0xFF where usable; 1 where `low` differs from a predecessor's
  const uint8_t* p2;     // of the paths along, from above left, above, above right
  const int32_t* at;     // in the planes of the secondary
};
static_assert(kCensusBytes == 5);
enum { kLastCode, kUsable, kMoved };

struct RowTask {
  PixelRows pixels;
  const int16_t *low, *lowAbove;
  const SecondaryRow* secondary;
  const uint8_t* padding;  // kInfinite from candidate `count` on
  RowExtent extent;
  int dv, width, stride, p1;
  uint8_t* excesses;  // (u, k): sums of the first sweep's e
  uint16_t* sums;     // of the second sweep
};

// kVectors: how many make a pixel's stride; 0: ask.
template <bool kLast, int kVectors, class D8>
HWY_NOINLINE void sweepRow(D8 d8, const RowTask& row, PathRow* const (&paths)[kAbove], Along& alongRow,
                           Shifted& scratch) {
  const int lanes = static_cast<int>(hn::Lanes(d8));
  const int stride = kVectors > 0 ? kVectors * lanes : row.stride, gap = gapOf(stride), slot = stride + gap;
  uint8_t* const along = alongRow.l();
  const hn::Half<D8> dHalf;
  const hn::Rebind<uint16_t, decltype(dHalf)> d16;
  const auto infinite = hn::Set(d8, kInfinite), vP1 = hn::Set(d8, static_cast<uint8_t>(row.p1));
  const int step = row.dv, pixels = row.extent.last - row.extent.first + 1;
  int u = step > 0 ? row.extent.first : row.extent.last;
  const int i = step > 0 ? u : row.width - 1 - u;
  uint8_t *after0 = paths[0]->l(i), *after1 = paths[1]->l(i), *after2 = paths[2]->l(i);
  const uint8_t* const codes = row.pixels.codes;
  const uint8_t* const more = row.pixels.more;
  const uint8_t* const p2 = row.pixels.p2;
  const int32_t* const at = row.pixels.at;
  const uint8_t* const planes = row.secondary->planes();
  const ptrdiff_t pitch = row.secondary->pitch();
  const uint8_t* const padding = row.padding;
  uint8_t* const excesses = row.excesses;
  uint16_t* const sumsOfRow = row.sums;
  auto leastAlong = hn::Zero(d8), alongBefore = infinite, alongEnd = infinite, alongNow = infinite;
  for (int pixel = 0; pixel < pixels; ++pixel, u += step, after0 += slot, after1 += slot, after2 += slot) {
    const uint8_t *before0 = after0 + slot, *before1 = after1 + slot, *before2 = after2 + slot;
    const auto least0 = hn::Set(d8, before0[-gap / 2]), least1 = hn::Set(d8, before1[-gap / 2]);
    const auto least2 = hn::Set(d8, before2[-gap / 2]);
    // What lies beyond the range counts as a neighbour where the previous pixel's range reaches that far.
    alongBefore = alongEnd = infinite;
    if (HWY_UNLIKELY(more[4 * u + kMoved] != 0)) {
      const int low = row.low[u];
      const uint8_t* const joins = p2 + 4 * u;
      if (joins[1] != 0) before0 = scratch.of(before0, low - row.lowAbove[u - step], 0);
      if (joins[2] != 0) before1 = scratch.of(before1, low - row.lowAbove[u], 1);
      if (joins[3] != 0) before2 = scratch.of(before2, low - row.lowAbove[u + step], 2);
      const int shift = joins[0] == 0 ? 0 : low - row.low[u - step];
      if (shift != 0) {
        if constexpr (kVectors == 1) hn::Store(alongNow, d8, along);
        const uint8_t* const from = scratch.of(along, shift, kAbove);
        alongBefore = hn::LoadU(d8, from - lanes);
        alongEnd = hn::LoadU(d8, from + stride);
        if constexpr (kVectors == 1) {
          alongNow = hn::LoadU(d8, from);
        } else {
          for (int k = 0; k < stride; k += lanes) hn::Store(hn::LoadU(d8, from + k), d8, scratch.copy() + k);
          for (int k = 0; k < stride; k += lanes) hn::Store(hn::Load(d8, scratch.copy() + k), d8, along + k);
        }
      }
    }
    const auto p2Along = hn::Set(d8, p2[4 * u]), p2Above0 = hn::Set(d8, p2[4 * u + 1]);
    const auto p2Above1 = hn::Set(d8, p2[4 * u + 2]), p2Above2 = hn::Set(d8, p2[4 * u + 3]);
    const auto code0 = hn::Set(d8, codes[4 * u]), code1 = hn::Set(d8, codes[4 * u + 1]), code2 = hn::Set(d8, codes[4 * u + 2]);
    const auto code3 = hn::Set(d8, codes[4 * u + 3]), code4 = hn::Set(d8, more[4 * u + kLastCode]);
    const auto usable = hn::Set(d8, more[4 * u + kUsable]);
    const uint8_t* const sec = planes + at[u];
    auto low0 = infinite, low1 = infinite, low2 = infinite, lowAlong = infinite;
    auto alongHere = kVectors == 1 ? alongNow : hn::Load(d8, along);
    const ptrdiff_t first = static_cast<ptrdiff_t>(u) * stride;
    for (int k = 0; k < stride; k += lanes) {
      const auto differing = [&](auto code, int plane) HWY_ATTR {
        return hn::PopulationCount(hn::Xor(code, hn::LoadU(d8, sec + plane * pitch + k)));
      };
      const auto hamming = hn::Add(hn::Add(hn::Add(differing(code0, 0), differing(code1, 1)),
                                           hn::Add(differing(code2, 2), differing(code3, 3))), differing(code4, 4));
      const auto gone = hn::LoadU(d8, sec + kCensusBytes * pitch + k), pad = hn::Load(d8, padding + k);
      const auto cost = hn::Or(hn::And(hn::Max(hamming, gone), usable), pad);

      const auto excessOf = [&](auto same, auto lower, auto upper, auto least, auto penalty) HWY_ATTR {
        const auto best = hn::Min(same, hn::SaturatedAdd(hn::Min(lower, upper), vP1));
        return hn::Min(hn::Sub(best, least), penalty);
      };
      const auto fromAbove = [&](const uint8_t* l, auto least, auto penalty, uint8_t* after, auto& low) HWY_ATTR {
        const auto e = excessOf(hn::LoadU(d8, l), hn::LoadU(d8, l - 1), hn::LoadU(d8, l + 1), least, penalty);
        const auto now = hn::SaturatedAdd(cost, e);
        low = hn::Min(low, now);
        hn::Store(now, d8, after);
        return e;
      };
      auto alongAfter = alongEnd;
      if constexpr (kVectors != 1) {
        if (k + lanes < stride) alongAfter = hn::Load(d8, along + k + lanes);
      }
      const auto e3 = excessOf(alongHere, lanesBefore(d8, alongBefore, alongHere), lanesAfter(d8, alongHere, alongAfter),
                               leastAlong, p2Along);
      alongBefore = alongHere;
      alongHere = alongAfter;
      alongNow = hn::SaturatedAdd(cost, e3);
      lowAlong = hn::Min(lowAlong, alongNow);
      if constexpr (kVectors != 1) hn::Store(alongNow, d8, along + k);
      const auto e0 = fromAbove(before0 + k, least0, p2Above0, after0 + k, low0);
      const auto e1 = fromAbove(before1 + k, least1, p2Above1, after1 + k, low1);
      const auto e2 = fromAbove(before2 + k, least2, p2Above2, after2 + k, low2);
      const auto excess = hn::Add(hn::Add(e0, e1), hn::Add(e2, e3));

      if constexpr (!kLast) {
        hn::Stream(excess, d8, excesses + first + k);
      } else {
        const auto none = hn::Or(pad, hn::VecFromMask(d8, hn::Ne(gone, hn::Zero(d8))));
        const auto add = [&](auto c, auto up, auto down, auto out, uint16_t* to) HWY_ATTR {
          const hn::RebindToSigned<decltype(d16)> dSigned;
          const auto sum = hn::Add(hn::ShiftLeft<3>(hn::PromoteTo(d16, c)), hn::Add(hn::PromoteTo(d16, up), hn::PromoteTo(d16, down)));
          const auto strike = hn::BitCast(d16, hn::PromoteTo(dSigned, hn::BitCast(hn::RebindToSigned<decltype(dHalf)>(), out)));
          hn::Store(hn::Or(sum, strike), d16, to);
        };
        __builtin_prefetch(excesses + first + k - kPrefetchBytes);
        const auto down = hn::Load(d8, excesses + first + k);
        uint16_t* const sums = sumsOfRow + first + k;
#if HWY_TARGET == HWY_SCALAR
        add(cost, excess, down, none, sums);
#else
        add(hn::LowerHalf(dHalf, cost), hn::LowerHalf(dHalf, excess), hn::LowerHalf(dHalf, down), hn::LowerHalf(dHalf, none), sums);
        add(hn::UpperHalf(dHalf, cost), hn::UpperHalf(dHalf, excess), hn::UpperHalf(dHalf, down), hn::UpperHalf(dHalf, none), sums + lanes / 2);
#endif
      }
    }
    leastAlong = leastEverywhere(d8, lowAlong);
    const uint32_t three = leastOfThree(d8, low0, low1, low2);
    after0[-gap / 2] = static_cast<uint8_t>(three);
    after1[-gap / 2] = static_cast<uint8_t>(three >> 8);
    after2[-gap / 2] = static_cast<uint8_t>(three >> 16);
  }
}

// P2 of all pixels along the first sweep's paths. The second sweep's paths join the same pairs of pixels.
class Penalties {
 public:
  static size_t bytesOf(int width, int height) {
    return kPaths * static_cast<size_t>(height) * static_cast<size_t>(width + 2 * kBesideRow);
  }
  Penalties(uint8_t* memory, int width) : rows_(memory), pitch_(width + 2 * kBesideRow) {}
  uint8_t* row(int v, int path) const { return rows_ + (static_cast<ptrdiff_t>(v) * kPaths + path) * pitch_ + kBesideRow; }

 private:
  uint8_t* rows_;
  ptrdiff_t pitch_;
};

// Collects what a sweep needs of the pixels of one row.
class RowCollector {
 public:
  RowCollector(int width, int secWidth, int stride, const Penalties& penalties)
      : secondary_(secWidth, stride), penalties_(penalties), rows_(width, 3), none_(width + 2 * kBesideRow, 1),
        packed_(4 * width, 3), at_(width, 1) {}
  const SecondaryRow& secondary() const { return secondary_; }

  // The row before in the sweep's direction dv has extent `before`. Downwards first: P2 is computed there.
  PixelRows collect(const SgmInput& in, const SgmOptions& options, int v, int dv, const RowExtent& extent, const RowExtent& before) {
    secondary_.load(in, v);
    uint8_t *const usable = rows_.view().row(0), *const moved = rows_.view().row(1), *const zeros = rows_.view().row(2);
    const bool second = before.first <= before.last;
    const uint8_t* p2[kPaths];
    for (int r = 0; r < kPaths; ++r) {
      if (dv > 0) {
        penaltiesOfRow(in.refImage, options, v, extent, r == 0 ? v : v - 1, kSteps[r], r == 0 ? extent : before, penalties_.row(v, r));
        p2[r] = penalties_.row(v, r);
      } else {
        const uint8_t* const below = second ? penalties_.row(v + 1, r) : none_.view().row(0) + kBesideRow;
        p2[r] = (r == 0 ? penalties_.row(v, r) : below) - kSteps[r];
      }
    }
    const uint16_t* HWY_RESTRICT const validity = in.refValidity.row(v);
    const int16_t* HWY_RESTRICT const low = in.low.row(v);
    const int16_t* HWY_RESTRICT const above = second ? in.low.row(v - dv) : low;
    int32_t* HWY_RESTRICT const at = at_.view().row(0);
    const int first = extent.first, last = extent.last;
    for (int u = first; u <= last; ++u) usable[u] = validity[u] == 0 ? 0xFF : 0;
    // At the ends of the extent too much may be called moved: that costs time only.
    moved[first] = moved[last] = 1;
    for (int u = first + 1; u < last; ++u) {
      const int differ = (low[u] ^ low[u - dv]) | (low[u] ^ above[u - 1]) | (low[u] ^ above[u]) | (low[u] ^ above[u + 1]);
      moved[u] = differ != 0;
    }
    for (int u = first; u <= last; ++u) at[u] = secondary_.at(u + low[u] + in.secOffset);
    const auto codes = [&](int b) { return in.refCensus.row(kCensusBytes * v + b); };
    pack(codes(0), codes(1), codes(2), codes(3), extent, packed_.view().row(0));
    pack(codes(4), usable, moved, zeros, extent, packed_.view().row(1));
    pack(p2[0], p2[1], p2[2], p2[3], extent, packed_.view().row(2));
    return {packed_.view().row(0), packed_.view().row(1), packed_.view().row(2), at};
  }

 private:
  static void pack(const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d, const RowExtent& extent, uint8_t* to) {
    int u = extent.first;
#if HWY_TARGET != HWY_SCALAR
    const hn::ScalableTag<uint8_t> d8;
    const int lanes = static_cast<int>(hn::Lanes(d8));
    for (; u + lanes - 1 <= extent.last; u += lanes) {
      hn::StoreInterleaved4(hn::LoadU(d8, a + u), hn::LoadU(d8, b + u), hn::LoadU(d8, c + u), hn::LoadU(d8, d + u), d8, to + 4 * u);
    }
#endif
    for (; u <= extent.last; ++u) to[4 * u] = a[u], to[4 * u + 1] = b[u], to[4 * u + 2] = c[u], to[4 * u + 3] = d[u];
  }

  SecondaryRow secondary_;
  Penalties penalties_;
  Image<uint8_t> rows_, none_, packed_;  // usable, moved, zeros; P2 of no pixel; PixelRows
  Image<int32_t> at_;
};

size_t sgmBytesSimd(int width, int height, int count) {
  const size_t volume = static_cast<size_t>(width) * static_cast<size_t>(sgmStride(count)) * static_cast<size_t>(height);
  return volume + Penalties::bytesOf(width, height);
}

template <int kVectors, class D8>
void sgmWith(D8 d8, const SgmInput& in, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  const int width = in.width(), height = in.height(), stride = sgmStride(in.count);
  const size_t rowBytes = static_cast<size_t>(width) * static_cast<size_t>(stride);
  const size_t volume = rowBytes * static_cast<size_t>(height);
  uint8_t* const excesses = memory.atLeast(sgmBytesSimd(width, height, in.count));
  Image<uint16_t> sums(width * stride, 1);
  Image<uint8_t> padding(stride, 1);
  std::fill(padding.view().row(0) + in.count, padding.view().row(0) + stride, kInfinite);
  RowCollector collector(width, in.secCensus.width, stride, Penalties(excesses + volume, width));
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
        RowTask row{};
        row.pixels = collector.collect(in, options, v, dv, extent, before);
        row.low = in.low.row(v);
        row.lowAbove = j > 0 ? in.low.row(v - dv) : row.low;
        row.secondary = &collector.secondary();
        row.padding = padding.view().row(0);
        row.extent = extent;
        row.dv = dv, row.width = width, row.stride = stride, row.p1 = options.p1;
        row.excesses = excesses + static_cast<size_t>(v) * rowBytes;
        row.sums = sums.view().row(0);
        if (dv > 0) {
          sweepRow<false, kVectors>(d8, row, paths, along, scratch);
        } else {
          sweepRow<true, kVectors>(d8, row, paths, along, scratch);
        }
      }
      before = extent;
      if (dv < 0) sink(v, sums.view().row(0));
    }
  }
}

void sgmSimd(const SgmInput& input, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  const hn::ScalableTag<uint8_t> whole;
  const hn::CappedTag<uint8_t, kSgmPadding> padding;
  const size_t stride = static_cast<size_t>(sgmStride(input.count));
  if (stride == hn::Lanes(whole)) {
    sgmWith<1>(whole, input, options, memory, sink);
  } else if (stride % hn::Lanes(whole) == 0) {
    sgmWith<0>(whole, input, options, memory, sink);
  } else if (stride == hn::Lanes(padding)) {
    sgmWith<1>(padding, input, options, memory, sink);
  } else {
    sgmWith<0>(padding, input, options, memory, sink);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(sgmSimd);
HWY_EXPORT(sgmBytesSimd);

void sgm(const SgmInput& input, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  assert(options.p1 > 0 && options.p1 <= options.p2 && options.p2 <= kMaxP2);
  HWY_DYNAMIC_DISPATCH(sgmSimd)(input, options, memory, sink);
}

size_t sgmBytes(int width, int height, int count) { return HWY_DYNAMIC_DISPATCH(sgmBytesSimd)(width, height, count); }

RowExtent extentOf(ImageView<const uint16_t> refValidity, int v) {
  const uint16_t* row = refValidity.row(v);
  RowExtent extent{0, refValidity.width - 1};
  while (extent.first <= extent.last && row[extent.first] != 0) ++extent.first;
  while (extent.last > extent.first && row[extent.last] != 0) --extent.last;
  return extent;
}
}  // namespace altiplano
#endif
