// SPDX-License-Identifier: Apache-2.0
// Part of refine.cc, which includes it behind Highway, once per target: what a strip's rows are read from.
#if defined(ALTIPLANO_KERNELS_REFINE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_REFINE_ROWS_INL_H_
#undef ALTIPLANO_KERNELS_REFINE_ROWS_INL_H_
#else
#define ALTIPLANO_KERNELS_REFINE_ROWS_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "fraction_weights.h"
#include "refine.h"
#include "refine_planes_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Columns of the block, counted from `first` wherever a strip's rows are concerned.
struct Strip {
  int first, columns;
};

// Fetches a part of row v into the second cache, if there is such a row: the processor itself looks ahead within a row only. In the
// first cache it would take the sums' place. Inlined by force, since compilers drop calls of what only fetches.
template <class T>
HWY_INLINE void prefetchRow(ImageView<const T> image, int v, int first, int count) {
  constexpr int kLine = 64 / sizeof(T);
  if (v < 0 || v >= image.height) return;
  const T* const row = image.row(v);
  for (int u = first; u < first + count; u += kLine) __builtin_prefetch(row + u, 0, 2);
}

// values - base where they are valid, NaN elsewhere; to: with room for whole vectors.
template <class D>
void readValid(D df, const float* values, const uint8_t* valid, float base, int first, int last, float* to) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::RebindToUnsigned<D> words;
  const auto missing = hn::Set(df, kMissing), less = hn::Set(df, base);
  int u = first;
  for (; u + static_cast<int>(hn::Lanes(df)) <= last; u += static_cast<int>(hn::Lanes(df))) {
    const auto isValid = hn::Ne(hn::PromoteTo(words, hn::LoadU(bytes, valid + u)), hn::Zero(words));
    hn::StoreU(hn::IfThenElse(hn::RebindMask(df, isValid), hn::Sub(hn::LoadU(df, values + u), less), missing), df, to + u);
  }
  for (; u < last; ++u) to[u] = valid[u] != 0 ? values[u] - base : kMissing;
}

// A strip's row, with kLead columns on both sides: R, g and d, which is kFarPx where it, R or g does not exist. disparity: d as
// the block has it, NaN or kFarPx where it is missing; padded: room for the row with kDerivativeRadius more on both sides.
template <class D>
void readReferenceRow(D df, const RefineInput& in, float base, const Strip& strip, int v, const float* disparity, float* padded, float* d,
                      float* grey, float* gradient) {
  const int left = -strip.first, right = in.ref.width - strip.first;  // the block's columns
  const int reach = kLead + kDerivativeRadius;
  const int from = std::max(-reach, left), to = std::min(strip.columns + reach, right);
  const float* const values = in.ref.row(v) + strip.first;
  const uint8_t* const valid = in.refValid.row(v) + strip.first;
  readValid(df, values, valid, 0, from, to, padded);
  for (int i = 1; i <= kDerivativeRadius; ++i) {
    if (from == left) padded[left - i] = padded[left];
    if (to == right) padded[right - 1 + i] = padded[right - 1];
  }
  const int first = std::max(-kLead, left), last = std::min(strip.columns + kLead, right);
  std::fill(d - kLead, d + first, kFarPx);
  std::copy(disparity + strip.first + first, disparity + strip.first + last, d + first);
  std::fill(d + last, d + strip.columns + kLead, kFarPx);
  const auto zero = hn::Zero(df), far = hn::Set(df, kFarPx), less = hn::Set(df, base);
  for (int u = -kLead; u < strip.columns + kLead; u += static_cast<int>(hn::Lanes(df))) {
    const auto own = hn::LoadU(df, d + u), value = hn::LoadU(df, padded + u);
    const auto known = hn::And(hn::Lt(own, far), hn::Eq(value, value));  // neither is NaN
    if (hn::AllFalse(df, known)) {
      hn::StoreU(zero, df, gradient + u);
      hn::StoreU(zero, df, grey + u);
      hn::StoreU(far, df, d + u);
      continue;
    }
    auto g = zero;
    for (int i = 1; i <= kDerivativeRadius; ++i) {
      const auto difference = hn::Sub(hn::LoadU(df, padded + u + i), hn::LoadU(df, padded + u - i));
      g = hn::Add(g, hn::Mul(hn::Set(df, kDerivative[i - 1]), difference));
    }
    const auto exists = hn::And(known, hn::Eq(g, g));
    hn::StoreU(hn::IfThenElseZero(exists, g), df, gradient + u);
    hn::StoreU(hn::IfThenElseZero(exists, hn::Sub(value, less)), df, grey + u);
    hn::StoreU(hn::IfThenElse(exists, own, far), df, d + u);
  }
}

// S of a row, NaN where there are no data, as far as the strip's columns with disparities `smooth` lead. Column 0 at disparity 0 lies on
// `column` of the secondary.
template <class D>
void readSecondaryRow(D df, const RefineInput& in, float base, int v, int column, const float* smooth, int first, int last, float* to) {
  auto low = hn::Set(df, kFarPx), high = hn::Set(df, -kFarPx);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d = hn::LoadU(df, smooth + u);
    const auto exists = hn::Lt(d, hn::Set(df, kFarPx));
    low = hn::Min(low, d);
    high = hn::IfThenElse(exists, hn::Max(high, d), high);
  }
  const float least = hn::GetLane(hn::MinOfLanes(df, low)), most = hn::GetLane(hn::MaxOfLanes(df, high));
  if (!(least <= most)) return;
  const int margin = kTaps + static_cast<int>(hn::Lanes(df));
  const int from = std::max(0, column + first + static_cast<int>(std::max(least, -1e8f)) - margin);
  const int end = std::min(in.sec.width, column + last + static_cast<int>(std::min(most, 1e8f)) + margin);
  readValid(df, in.sec.row(v), in.secValid.row(v), base, from, end, to);
  prefetchRow(in.sec, v + 1, from, end - from);
  prefetchRow(in.secValid, v + 1, from, end - from);
}

// W of a row, and D := kFarPx where it is missing. sec: the secondary's row, NaN where data are missing; column: of the secondary at
// disparity 0 and u = 0. Pixels of one whole disparity read side by side: mostly a vector has one, or two that follow each
// other. Otherwise there are as many rounds of loads as there are different ones.
template <class D>
void warpRow(D df, const Setup& setup, const float* sec, int secWidth, int column, int first, int last, float* smooth,
             float* warped) {
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  const int lanes = static_cast<int>(hn::Lanes(df));
  HWY_ALIGN float wholes[hn::MaxLanes(df)];
  for (int u = first; u < last; u += lanes) {
    const auto d = hn::LoadU(df, smooth + u), whole = hn::Floor(d);
    const auto x = hn::Add(hn::Iota(df, static_cast<float>(column + u)), whole);
    const auto inside = hn::And(hn::Ge(x, hn::Set(df, static_cast<float>(kTapsBefore))),
                                hn::Lt(x, hn::Set(df, static_cast<float>(secWidth - kTapsAfter))));
    if (hn::AllFalse(df, inside)) {
      hn::StoreU(far, df, smooth + u);
      hn::StoreU(zero, df, warped + u);
      continue;
    }
    const auto at = [&](float disparity) { return sec + column + u + static_cast<int>(disparity) - kTapsBefore; };
    decltype(hn::Zero(df)) taps[kTaps] = {zero, zero, zero, zero, zero, zero, zero, zero};
    const auto least = hn::MinOfLanes(df, hn::IfThenElse(inside, whole, far));
    const auto isNext = hn::Eq(whole, hn::Add(least, one));
    if (hn::AllFalse(df, hn::AndNot(hn::Or(hn::Eq(whole, least), isNext), inside))) {
      const float* from = at(hn::GetLane(least));
      auto here = hn::LoadU(df, from);
      for (int i = 0; i < kTaps; ++i) {
        const auto next = hn::LoadU(df, from + i + 1);
        taps[i] = hn::IfThenElse(isNext, next, here);
        here = next;
      }
    } else {
      auto left = inside;
      hn::Store(whole, df, wholes);
      while (!hn::AllFalse(df, left)) {
        const float now = wholes[hn::FindFirstTrue(df, left)];
        const auto here = hn::And(left, hn::Eq(whole, hn::Set(df, now)));
        for (int i = 0; i < kTaps; ++i) taps[i] = hn::IfThenElse(here, hn::LoadU(df, at(now) + i), taps[i]);
        left = hn::AndNot(here, left);
      }
    }
    const auto s = hn::Sub(hn::Sub(d, whole), hn::Set(df, 0.5f)), z = hn::Mul(s, s);
    auto even = zero, odd = zero;
    for (int i = 0; i < kTapPairs; ++i) {
      const auto weight = [&](const float (&c)[3]) HWY_ATTR {
        return hn::Add(hn::Set(df, c[0]), hn::Mul(z, hn::Add(hn::Set(df, c[1]), hn::Mul(z, hn::Set(df, c[2])))));
      };
      even = hn::Add(even, hn::Mul(weight(setup.fractions.even[i]), hn::Add(taps[i], taps[kTaps - 1 - i])));
      odd = hn::Add(odd, hn::Mul(weight(setup.fractions.odd[i]), hn::Sub(taps[i], taps[kTaps - 1 - i])));
    }
    const auto value = hn::Add(even, hn::Mul(s, odd));
    const auto usable = hn::And(inside, hn::Eq(value, value));  // not NaN
    hn::StoreU(hn::IfThenElse(usable, d, far), df, smooth + u);
    hn::StoreU(hn::IfThenElse(usable, value, zero), df, warped + u);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
