// SPDX-License-Identifier: Apache-2.0
// Part of sgm.cc, once per target: four paths along one row.
#if defined(ALTIPLANO_KERNELS_SGM_SWEEP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_SGM_SWEEP_INL_H_
#undef ALTIPLANO_KERNELS_SGM_SWEEP_INL_H_
#else
#define ALTIPLANO_KERNELS_SGM_SWEEP_INL_H_
#endif

#include "sgm.h"
#include "sgm_paths.h"
#include "sgm_rows_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The second sweep reads the volume backwards, pixel by pixel, which processors foresee badly: so far ahead it is asked for.
// What lies before the volume may be asked for, too.
constexpr ptrdiff_t kPrefetchBytes = 4096;

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

struct RowTask {
  PixelRows pixels;
  const int16_t *low, *lowAbove;
  const SecondaryRow* secondary;
  const uint8_t* padding;  // kInfinite from the last candidate on
  RowExtent extent;
  int dv, width, p1;
  int stride, strideAbove, room;  // candidates of this row and the one before, padded; what the paths' slots have room for
  uint8_t* excesses;  // (u, k): sums of the first sweep's e
  uint16_t* sums;     // of the second sweep
};

// kVectors: how many make a pixel's stride; 0: ask.
template <bool kLast, int kVectors, class D8>
HWY_NOINLINE void sweepRow(D8 d8, const RowTask& row, PathRow* const (&paths)[kAbove], Along& alongRow,
                           Shifted& scratch) {
  const int lanes = static_cast<int>(hn::Lanes(d8));
  const int stride = kVectors > 0 ? kVectors * lanes : row.stride, gap = gapOf(row.room), slot = row.room + gap;
  const bool roomLeft = stride < row.room;
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
      if (joins[1] != 0) before0 = scratch.of(before0, row.strideAbove, stride, low - row.lowAbove[u - step], 0);
      if (joins[2] != 0) before1 = scratch.of(before1, row.strideAbove, stride, low - row.lowAbove[u], 1);
      if (joins[3] != 0) before2 = scratch.of(before2, row.strideAbove, stride, low - row.lowAbove[u + step], 2);
      const int shift = joins[0] == 0 ? 0 : low - row.low[u - step];
      if (shift != 0) {
        if constexpr (kVectors == 1) hn::Store(alongNow, d8, along);
        const uint8_t* const from = scratch.of(along, stride, stride, shift, kAbove);
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
    if (HWY_UNLIKELY(roomLeft)) {
      for (uint8_t* const after : {after0, after1, after2}) std::memset(after + stride, kInfinite, kAfterRow);
    }
    leastAlong = leastEverywhere(d8, lowAlong);
    const uint32_t three = leastOfThree(d8, low0, low1, low2);
    after0[-gap / 2] = static_cast<uint8_t>(three);
    after1[-gap / 2] = static_cast<uint8_t>(three >> 8);
    after2[-gap / 2] = static_cast<uint8_t>(three >> 16);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
