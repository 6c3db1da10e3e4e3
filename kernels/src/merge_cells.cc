// SPDX-License-Identifier: Apache-2.0
#include "merge_cells.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge_cells.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
void takeVector(D d, const PartialRow& in, int at, float fullWeight, uint16_t emptyReason, const MergedRow& out) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> du;
  const auto height = hn::LoadU(d, in.height + at), weight = hn::LoadU(d, in.weight + at);
  const auto zero = hn::Zero(d), steps = hn::Set(d, static_cast<float>(kSteps)), most = hn::Set(d, 65535.0F);
  // Comparisons are false for NaN, and so what stands behind them never is.
  const auto tooMuch = hn::Set(d, 1e30F);
  const auto counts = hn::And(hn::And(hn::Gt(weight, zero), hn::Lt(weight, tooMuch)), hn::Lt(hn::Abs(height), tooMuch));
  const auto put = [&](auto values, uint16_t* to) HWY_ATTR { hn::StoreU(hn::DemoteTo(du, values), du, to + at); };
  const auto confidence = hn::Div(weight, hn::Set(d, fullWeight));
  const auto spread = hn::LoadU(d, in.spread + at), count = hn::LoadU(d, in.count + at);
  const auto spreadOr0 = hn::IfThenElseZero(hn::And(counts, hn::Gt(spread, zero)), spread);
  hn::StoreU(hn::IfThenElse(counts, height, hn::Set(d, kNoHeight)), d, out.height + at);
  put(hn::NearestInt(hn::IfThenElseZero(counts, hn::Mul(hn::Min(confidence, hn::Set(d, 1.0F)), steps))), out.confidence);
  put(hn::NearestInt(hn::Min(hn::Mul(spreadOr0, steps), most)), out.spread);
  put(hn::ConvertTo(di, hn::IfThenElseZero(hn::And(counts, hn::Gt(count, zero)), hn::Min(count, most))), out.count);
  put(hn::IfThenElse(hn::RebindMask(di, counts), hn::Set(di, kHasHeight), hn::Set(di, emptyReason)), out.reason);
}

void takeRow(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int at = 0;
  for (; at + lanes <= cells; at += lanes) takeVector(d, in, at, fullWeight, emptyReason, out);
  for (; at < cells; ++at) takeVector(one, in, at, fullWeight, emptyReason, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(takeRow);

void takeCells(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out) {
  HWY_DYNAMIC_DISPATCH(takeRow)(in, cells, fullWeight, emptyReason, out);
}

}  // namespace altiplano
#endif  // HWY_ONCE
