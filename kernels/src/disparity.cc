// SPDX-License-Identifier: Apache-2.0
#include "disparity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "disparity.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

namespace altiplano {
namespace {
#ifndef ALTIPLANO_DISPARITY_ONCE
#define ALTIPLANO_DISPARITY_ONCE
constexpr uint16_t kNoWinner = 0xFFFF;
constexpr int32_t kNobody = 1 << 28;  // a column as far away as makes every check fail
// Rows of DisparitySelector::State::winners and ::right.
enum { kWinnerK, kWinnerSum, kRivalSum, kLeftSum, kRightSum, kWinnerRows };
enum { kBestSum, kBestColumn, kRightRows };
// Sums and where they come from, in one key of 16 bits whose minimum is the least sum and of equals the first place.
constexpr int kPlaceBits = 6, kPlaces = 1 << kPlaceBits;
constexpr uint16_t kNoSum = kNoCandidate >> kPlaceBits;  // that of kNoCandidate's key
static_assert(8 * (kMissingCost + kMaxP2) < kNoSum);
constexpr int kGroup = 8;  // pixels reduced together
constexpr int kTurns = 8;  // rows of DisparitySelector::State::turns
#endif
}  // namespace
}  // namespace altiplano

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// All loops over candidates run to the padding's end: what is there is kNoCandidate, which never wins.
using Sums = hn::CappedTag<uint16_t, kSgmPadding>;
using State = DisparitySelector::State;

#if HWY_TARGET != HWY_SCALAR
// Lanes 0..7 and their like, the lesser of each.
template <class D16>
HWY_INLINE hn::Vec<hn::CappedTag<uint16_t, 8>> foldToBlock(D16 d, hn::Vec<D16> v) {
  if constexpr (hn::MaxLanes(D16()) == 8) {
    return v;
  } else {
    const hn::Half<D16> half;
    return foldToBlock(half, hn::Min(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

HWY_INLINE uint16_t leastLane(hn::Vec<Sums> v) {
#if HWY_TARGET == HWY_SCALAR
  return hn::GetLane(v);
#else
  const hn::CappedTag<uint16_t, 8> block;
  return hn::GetLane(hn::MinOfLanes(block, foldToBlock(Sums(), v)));
#endif
}

// The smallest sum but for k - 1, k and k + 1.
HWY_INLINE uint16_t rivalOf(const uint16_t* sums, int stride, int k) {
  const Sums d;
  const auto none = hn::Set(d, kNoCandidate), two = hn::Set(d, 2);
  const int lanes = static_cast<int>(hn::Lanes(d));
  // index - (k - 1) <= 2, unsigned.
  auto index = hn::Sub(hn::Iota(d, 0), hn::Set(d, static_cast<uint16_t>(k - 1)));
  auto least = none;
  for (int i = 0; i < stride; i += lanes) {
    least = hn::Min(least, hn::IfThenElse(hn::Gt(index, two), hn::Load(d, sums + i), none));
    index = hn::Add(index, hn::Set(d, static_cast<uint16_t>(lanes)));
  }
  return leastLane(least);
}

// The least lane of each of kGroup vectors.
HWY_INLINE void leastOfGroup(const hn::Vec<Sums> (&v)[kGroup], uint16_t* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < kGroup; ++i) to[i] = hn::GetLane(v[i]);
#else
  // Interleave and halve three times: then each block of 8 lanes holds one of every vector.
  const Sums d;
  const hn::Repartition<uint32_t, Sums> d32;
  const hn::Repartition<uint64_t, Sums> d64;
  const auto pairs = [&](auto a, auto b) HWY_ATTR {
    return hn::BitCast(d32, hn::Min(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  };
  const auto least = [&](auto a, auto b) HWY_ATTR { return hn::Min(hn::BitCast(d, a), hn::BitCast(d, b)); };
  const auto fours = [&](auto a, auto b) HWY_ATTR {
    return hn::BitCast(d64, least(hn::InterleaveLower(d32, a, b), hn::InterleaveUpper(d32, a, b)));
  };
  const auto lower = fours(pairs(v[0], v[1]), pairs(v[2], v[3])), upper = fours(pairs(v[4], v[5]), pairs(v[6], v[7]));
  const auto eights = least(hn::InterleaveLower(d64, lower, upper), hn::InterleaveUpper(d64, lower, upper));
  hn::StoreU(foldToBlock(Sums(), eights), hn::CappedTag<uint16_t, 8>(), to);
#endif
}

// The left view's choices for pixels first to last, in groups whose minima are found together. kStride: 0 = sgmStride(count).
template <int kStride>
void findWinners(State& s, const uint16_t* rowSums, int count, int firstPixel, int lastPixel) {
  const Sums d;
  const hn::CappedTag<uint16_t, kGroup> dGroup;
  const int lanes = static_cast<int>(hn::Lanes(d)), groupLanes = static_cast<int>(hn::Lanes(dGroup));
  const int stride = kStride > 0 ? kStride : sgmStride(count);
  const ImageView<uint16_t> winners = s.winners.view();
  uint16_t *const ks = winners.row(kWinnerK), *const leasts = winners.row(kWinnerSum), *const rivals = winners.row(kRivalSum);
  uint16_t *const lefts = winners.row(kLeftSum), *const rights = winners.row(kRightSum);
  const auto none = hn::Set(d, kNoCandidate), two = hn::Set(d, 2), step = hn::Set(d, static_cast<uint16_t>(lanes));
  const auto placeMask = hn::Set(dGroup, kPlaces - 1), noSum = hn::Set(dGroup, kNoSum), noWinner = hn::Set(dGroup, kNoWinner);
  const auto one = hn::Set(dGroup, 1), innerEnd = hn::Set(dGroup, static_cast<uint16_t>(count - 2));
  const uint16_t* sums[kGroup];
  hn::Vec<Sums> vectors[kGroup];
  HWY_ALIGN uint16_t places[kGroup], keys[kGroup];
  // The rows of `winners` may be written a group beyond their end.
  for (int u = firstPixel; u <= lastPixel; u += kGroup) {
    for (int i = 0; i < kGroup; ++i) sums[i] = rowSums + static_cast<ptrdiff_t>(std::min(u + i, lastPixel)) * stride;
    for (int block = 0; block < stride; block += kPlaces) {
      const int end = std::min(stride, block + kPlaces);
#pragma GCC unroll 8
      for (int i = 0; i < kGroup; ++i) {
        auto place = hn::Iota(d, 0);
        auto least = none;
        for (int k = block; k < end; k += lanes) {
          least = hn::Min(least, hn::Or(hn::ShiftLeft<kPlaceBits>(hn::Load(d, sums[i] + k)), place));
          place = hn::Add(place, step);
        }
        vectors[i] = least;
      }
      leastOfGroup(vectors, keys);
      for (int i = 0; i < kGroup; i += groupLanes) {
        const auto key = hn::Load(dGroup, keys + i), sum = hn::ShiftRight<kPlaceBits>(key);
        const auto place = hn::Add(hn::And(key, placeMask), hn::Set(dGroup, static_cast<uint16_t>(block)));
        const auto before = block == 0 ? noSum : hn::LoadU(dGroup, leasts + u + i);
        const auto placeBefore = block == 0 ? hn::Zero(dGroup) : hn::Load(dGroup, places + i);
        hn::Store(hn::IfThenElse(hn::Lt(sum, before), place, placeBefore), dGroup, places + i);
        hn::StoreU(hn::Min(sum, before), dGroup, leasts + u + i);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) {
      const int k = places[i];
      lefts[u + i] = sums[i][std::max(k - 1, 0)];
      rights[u + i] = sums[i][std::min(k + 1, stride - 1)];
      // index - (k - 1) <= 2, unsigned.
      auto index = hn::Sub(hn::Iota(d, 0), hn::Set(d, static_cast<uint16_t>(k - 1)));
      auto least = none;
      for (int from = 0; from < stride; from += lanes) {
        least = hn::Min(least, hn::IfThenElse(hn::Gt(index, two), hn::Load(d, sums[i] + from), none));
        index = hn::Add(index, step);
      }
      vectors[i] = least;
    }
    leastOfGroup(vectors, rivals + u);
    for (int i = 0; i < kGroup; i += groupLanes) {
      const auto k = hn::Load(dGroup, places + i);
      const auto inside = hn::Lt(hn::Sub(k, one), innerEnd), wins = hn::Lt(hn::LoadU(dGroup, leasts + u + i), noSum);
      hn::StoreU(hn::IfThenElse(wins, k, noWinner), dGroup, ks + u + i);
      for (uint16_t* const side : {lefts, rights}) {
        hn::StoreU(hn::IfThenElse(inside, hn::LoadU(dGroup, side + u + i), hn::Set(dGroup, kNoCandidate)), dGroup, side + u + i);
      }
    }
  }
}

// Offers pixels first to last, at most kPlaces, to the right view, which has seen all those left of them.
void offer(State& s, int v, const uint16_t* sums, int stride, int firstPixel, int lastPixel) {
  const Sums d;
  const int lanes = static_cast<int>(hn::Lanes(d)), secWidth = s.in.secCensus.width;
  const uint16_t* const validity = s.in.refValidity.row(v);
  int at[kPlaces], from = secWidth + s.margin, to = 0;
  for (int u = firstPixel; u <= lastPixel; ++u) {
    const int start = std::clamp(u + s.in.low.at(u, v) + s.in.secOffset, -s.margin, secWidth) + s.margin;
    at[u - firstPixel] = start;
    from = std::min(from, start);
    to = std::max(to, start + stride);
  }
  const ImageView<uint16_t> turns = s.turns.view();
  const auto none = hn::Set(d, kNoCandidate);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (int x = 0; x < to - from; x += lanes) hn::Store(none, d, turns.row(turn) + x);
  }
  // Neighbours in the row touch nearly the same columns, and to load what was stored a moment ago at another
  // alignment makes a processor wait: so they take turns in different rows.
  for (int u = firstPixel; u <= lastPixel; ++u) {
    if (validity[u] != 0) continue;
    const int place = u - firstPixel;
    const uint16_t* const candidates = sums + static_cast<ptrdiff_t>(u) * stride;
    uint16_t* const keys = turns.row(place % kTurns) + at[place] - from;
    const auto column = hn::Set(d, static_cast<uint16_t>(place));
    for (int k = 0; k < stride; k += lanes) {
      const auto key = hn::Or(hn::ShiftLeft<kPlaceBits>(hn::Load(d, candidates + k)), column);
      hn::StoreU(hn::Min(key, hn::LoadU(d, keys + k)), d, keys + k);
    }
  }
  uint16_t *const best = s.right.view().row(kBestSum) + from, *const columns = s.right.view().row(kBestColumn) + from;
  const auto first = hn::Set(d, static_cast<uint16_t>(firstPixel)), places = hn::Set(d, kPlaces - 1);
  for (int x = 0; x < to - from; x += lanes) {
    auto key = hn::Load(d, turns.row(0) + x);
    for (int turn = 1; turn < kTurns; ++turn) key = hn::Min(key, hn::Load(d, turns.row(turn) + x));
    const auto sum = hn::ShiftRight<kPlaceBits>(key), before = hn::LoadU(d, best + x), columnBefore = hn::LoadU(d, columns + x);
    const auto better = hn::Lt(sum, before);
    hn::StoreU(hn::Min(sum, before), d, best + x);
    hn::StoreU(hn::IfThenElse(better, hn::Add(first, hn::And(key, places)), columnBefore), d, columns + x);
  }
}

// Both views' choices, by pieces of the row that stay in the nearest cache.
void choose(State& s, int v, const uint16_t* sums, int count) {
  const RowExtent extent = extentOf(s.in.refValidity, v);
  const int secWidth = s.in.secCensus.width, stride = sgmStride(count);
  uint16_t *const best = s.right.view().row(kBestSum), *const from = s.right.view().row(kBestColumn);
  std::fill_n(best, secWidth + 2 * s.margin, kNoSum);
  for (int u = extent.first; u <= extent.last; u += kPlaces) {
    const int last = std::min(extent.last, u + kPlaces - 1);
    if (stride == kSgmPadding) {
      findWinners<kSgmPadding>(s, sums, count, u, last);
    } else if (stride == 2 * kSgmPadding) {
      findWinners<2 * kSgmPadding>(s, sums, count, u, last);
    } else {
      findWinners<0>(s, sums, count, u, last);
    }
    offer(s, v, sums, stride, u, last);
  }
  int32_t* const chosen = s.chosen.view().row(0);
  for (int x = s.margin; x < s.margin + secWidth; ++x) chosen[x] = best[x] == kNoSum ? kNobody : from[x];
}

// The minimum of the parabola through sums k - 1, k, k + 1 relative to k, in [-0.5, 0.5]; 0 where one is missing.
// A candidate chosen by the right view needn't be a minimum.
float subPixel(const uint16_t* sums, int count, int k) {
  if (k == 0 || k == count - 1 || sums[k - 1] == kNoCandidate || sums[k + 1] == kNoCandidate) return 0;
  const float left = sums[k - 1], middle = sums[k], right = sums[k + 1];
  const float curvature = left - 2.0f * middle + right;
  if (!(curvature > 0)) return 0;
  return std::clamp(0.5f * (left - right) / curvature, -0.5f, 0.5f);
}

float confidenceOf(uint16_t sum, uint16_t rival) {
  return std::max(kLeastConfidence, 1.0f - static_cast<float>(sum) / std::max(1.0f, static_cast<float>(rival)));
}

// A pixel that failed the left-right check: the best candidate that its secondary pixel chose too may replace the winner.
void giveSecondChance(State& s, int u, int v, const uint16_t* sums, int count) {
  const int low = s.in.low.at(u, v);
  const int32_t* const chosen = s.chosen.view().row(0) + std::clamp(u + low + s.in.secOffset, -s.margin, s.in.secCensus.width) + s.margin;
  int agreed = -1;
  uint16_t sum = kNoCandidate;
  // Most candidates chose another pixel: asked a vector at a time. The padding of the range may be asked, too.
  const hn::ScalableTag<int32_t> di;
  const int lanes = static_cast<int>(hn::Lanes(di));
  const auto self = hn::Set(di, u);
  for (int from = 0; from < count; from += lanes) {
    if (hn::AllFalse(di, hn::Eq(hn::LoadU(di, chosen + from), self))) continue;
    for (int k = from; k < std::min(count, from + lanes); ++k) {
      if (chosen[k] == u && sums[k] < sum) agreed = k, sum = sums[k];
    }
  }
  const ImageView<uint16_t> winners = s.winners.view();
  if (agreed < 0 || static_cast<float>(sum) > s.options.secondChance * static_cast<float>(winners.at(u, kWinnerSum))) return;
  uint16_t why = static_cast<uint16_t>(s.out.validity.at(u, v) & ~(kLeftRight | kRangeEdge));
  if (agreed == 0 || agreed == count - 1) why |= kRangeEdge;
  s.out.validity.at(u, v) = why;
  if (why != kValid) return;
  s.out.disparity.at(u, v) = static_cast<float>(low + agreed) + subPixel(sums, count, agreed);
  s.out.confidence.at(u, v) = confidenceOf(sum, rivalOf(sums, sgmStride(count), agreed));
}

// Disparities from winners and the right view's choices.
void decide(State& s, int v, int count) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<uint16_t, decltype(df)> d16;
  const hn::Rebind<int16_t, decltype(df)> dLow;
  const int lanes = static_cast<int>(hn::Lanes(df)), width = s.in.width();
  const ImageView<uint16_t> winners = s.winners.view();
  const int32_t* const chosen = s.chosen.view().row(0) + s.margin;
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), half = hn::Set(df, 0.5f);
  const auto none = hn::Set(di, kNoCandidate), noWinner = hn::Set(di, kNoWinner), nothing = hn::Zero(di);
  const auto flag = [&](auto mask, Validity bit) HWY_ATTR { return hn::IfThenElseZero(mask, hn::Set(di, bit)); };
  const auto nan = hn::Set(df, std::numeric_limits<float>::quiet_NaN()), tolerance = hn::Set(df, s.options.leftRightPx);
  // The rows of `winners` and of Images may be read beyond their end, others may not, nor be written.
  HWY_ALIGN int16_t lowRest[HWY_MAX_BYTES / 4] = {};
  HWY_ALIGN uint16_t validityRest[HWY_MAX_BYTES / 4], whyRest[HWY_MAX_BYTES / 4];
  // What lies beyond a row's end must not win: its candidate is anything, and would be looked up anywhere.
  std::fill_n(validityRest, HWY_MAX_BYTES / 4, uint16_t{kNoDataReference});
  HWY_ALIGN float disparityRest[HWY_MAX_BYTES / 4], confidenceRest[HWY_MAX_BYTES / 4];
  for (int u = 0; u < width; u += lanes) {
    const int rest = width - u;
    const int16_t* low = s.in.low.row(v) + u;
    const uint16_t* validity = s.in.refValidity.row(v) + u;
    uint16_t* why = s.out.validity.row(v) + u;
    float *disparity = s.out.disparity.row(v) + u, *confidence = s.out.confidence.row(v) + u;
    if (rest < lanes) {
      std::copy_n(low, rest, lowRest), std::copy_n(validity, rest, validityRest);
      low = lowRest, validity = validityRest, why = whyRest, disparity = disparityRest, confidence = confidenceRest;
    }
    const auto row = [&](int index) HWY_ATTR { return hn::PromoteTo(di, hn::LoadU(d16, winners.row(index) + u)); };
    const auto k = row(kWinnerK), least = row(kWinnerSum), rival = row(kRivalSum), left = row(kLeftSum), right = row(kRightSum);
    const auto given = hn::PromoteTo(di, hn::LoadU(d16, validity));
    const auto wins = hn::And(hn::Ne(k, noWinner), hn::Eq(given, nothing));
    const auto whole = hn::Add(hn::PromoteTo(di, hn::LoadU(dLow, low)), k);

    // The parabola, as in subPixel.
    const auto l = hn::ConvertTo(df, left), m = hn::ConvertTo(df, least), r = hn::ConvertTo(df, right);
    const auto curvature = hn::Add(hn::Sub(l, hn::Mul(hn::Set(df, 2.0f), m)), r);
    const auto curved = hn::And(hn::RebindMask(df, hn::And(hn::Ne(left, none), hn::Ne(right, none))), hn::Gt(curvature, zero));
    const auto slope = hn::Div(hn::Mul(half, hn::Sub(l, r)), hn::IfThenElse(curved, curvature, one));
    const auto part = hn::IfThenElseZero(curved, hn::Min(hn::Max(slope, hn::Neg(half)), half));
    const auto d = hn::Add(hn::ConvertTo(df, whole), part);

    auto reasons = hn::Or(flag(hn::Eq(least, rival), kAmbiguous),
                          flag(hn::Or(hn::Eq(k, nothing), hn::Eq(k, hn::Set(di, count - 1))), kRangeEdge));
    if (s.options.leftRightPx >= 0) {
      // Columns of the two secondary pixels around the match; the winner's own is one of them.
      const auto first = hn::Add(hn::Iota(di, u), hn::Set(di, s.in.secOffset));
      const auto differenceAt = [&](auto rounded) HWY_ATTR {
        const auto column = hn::IfThenElseZero(wins, hn::Add(first, hn::ConvertTo(di, rounded)));
        const auto other = hn::GatherIndex(di, chosen, column);
        const auto theirs = hn::Sub(hn::Sub(column, hn::Set(di, s.in.secOffset)), other);
        const auto difference = hn::Abs(hn::Sub(hn::ConvertTo(df, theirs), d));
        return hn::IfThenElse(hn::RebindMask(df, hn::Eq(other, hn::Set(di, kNobody))),
                              hn::Set(df, std::numeric_limits<float>::infinity()), difference);
      };
      const auto difference = hn::Min(differenceAt(hn::Floor(d)), differenceAt(hn::Ceil(d)));
      reasons = hn::Or(reasons, flag(hn::RebindMask(di, hn::Gt(difference, tolerance)), kLeftRight));
    }
    reasons = hn::IfThenElse(wins, reasons, hn::IfThenElse(hn::Eq(given, nothing), hn::Set(di, kOutsideSecondary), given));
    const auto good = hn::RebindMask(df, hn::Eq(reasons, nothing));
    const auto ratio = hn::Div(m, hn::Max(one, hn::ConvertTo(df, rival)));
    hn::StoreU(hn::DemoteTo(d16, reasons), d16, why);
    hn::StoreU(hn::IfThenElse(good, d, nan), df, disparity);
    hn::StoreU(hn::IfThenElseZero(good, hn::Max(hn::Set(df, kLeastConfidence), hn::Sub(one, ratio))), df, confidence);
    if (rest < lanes) {
      std::copy_n(why, rest, s.out.validity.row(v) + u);
      std::copy_n(disparity, rest, s.out.disparity.row(v) + u);
      std::copy_n(confidence, rest, s.out.confidence.row(v) + u);
    }
  }
}

void selectRowSimd(State& s, int v, const uint16_t* sums) {
  const int count = s.in.countOf(v), stride = sgmStride(count);
  choose(s, v, sums, count);
  decide(s, v, count);
  const uint16_t* const validity = s.out.validity.row(v);
  const uint16_t* const given = s.in.refValidity.row(v);
  for (int u = 0; u < s.in.width(); ++u) {
    if ((validity[u] & kLeftRight) != 0 && given[u] == 0) giveSecondChance(s, u, v, sums + static_cast<ptrdiff_t>(u) * stride, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(selectRowSimd);

DisparitySelector::DisparitySelector(const SgmInput& input, const DisparityOptions& options, const DisparityViews& out)
    : state_{input, options, out, Image<uint16_t>(input.width(), kWinnerRows),
             Image<uint16_t>(input.secCensus.width + 2 * sgmStride(input.count), kRightRows),
             Image<uint16_t>(input.secCensus.width + 2 * sgmStride(input.count), kTurns),
             Image<int32_t>(input.secCensus.width + 2 * sgmStride(input.count), 1), sgmStride(input.count)} {
  std::fill_n(state_.chosen.view().row(0), state_.chosen.width(), kNobody);
}

void DisparitySelector::select(int v, const uint16_t* sums) { HWY_DYNAMIC_DISPATCH(selectRowSimd)(state_, v, sums); }
}  // namespace altiplano
#endif
