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
  const auto zero = hn::Zero(d), steps = hn::Set(d, static_cast<float>(kUnitSteps)), most = hn::Set(d, 65535.0F);
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

template <class D>
struct Feathered {
  hn::Vec<D> height, weight, feather, spread;
  hn::Mask<D> counts;
};

template <class D>
HWY_INLINE Feathered<D> loadFeathered(D d, const FeatheredRow& tile, int at) {
  const hn::Rebind<float, D> df;
  const auto load = [&](const float* from) HWY_ATTR { return hn::PromoteTo(d, hn::LoadU(df, from + at)); };
  const auto zero = hn::Zero(d), tooMuch = hn::Set(d, static_cast<double>(1e30F));
  const auto height = load(tile.cells.height), weight = load(tile.cells.weight), spread = load(tile.cells.spread);
  return {height, weight, hn::Mul(hn::LoadU(d, tile.feather + at), hn::Set(d, tile.rowFeather)), hn::IfThenElseZero(hn::Gt(spread, zero), spread),
          hn::And(hn::And(hn::Gt(weight, zero), hn::Lt(weight, tooMuch)), hn::Lt(hn::Abs(height), tooMuch))};
}

template <class D>
HWY_INLINE void blendVector(D d, const FeatheredRow& first, const FeatheredRow& second, int at, double toleranceM, double fullWeight, uint16_t emptyReason,
                            const MergedRow& out) {
  const hn::Rebind<float, D> df;
  const hn::Rebind<int32_t, D> di;
  const hn::Rebind<uint16_t, D> du;
  const auto zero = hn::Zero(d);
  const auto a = loadFeathered(d, first, at), b = loadFeathered(d, second, at);
  const auto any = hn::Or(a.counts, b.counts);
  const auto all = hn::Eq(zero, zero);
  const auto isBefore = second.isOwner ? all : first.isOwner ? hn::Not(all) : hn::Gt(b.feather, a.feather);
  const auto isSecond = hn::And(b.counts, hn::Or(hn::Not(a.counts), isBefore));
  const auto lead = hn::IfThenElse(isSecond, b.height, a.height);

  auto feathers = zero, weights = zero, offsets = zero, squares = zero;
  for (const auto& tile : {a, b}) {
    const auto offset = hn::Sub(tile.height, lead);
    const auto isIn = hn::And(tile.counts, hn::Le(hn::Abs(offset), hn::Set(d, toleranceM)));
    const auto weight = hn::Mul(tile.feather, tile.weight);
    const auto square = hn::Add(hn::Mul(tile.spread, tile.spread), hn::Mul(offset, offset));
    feathers = hn::Add(feathers, hn::IfThenElseZero(isIn, tile.feather));
    weights = hn::Add(weights, hn::IfThenElseZero(isIn, weight));
    offsets = hn::Add(offsets, hn::IfThenElseZero(isIn, hn::Mul(weight, offset)));
    squares = hn::Add(squares, hn::IfThenElseZero(isIn, hn::Mul(weight, square)));
  }
  const auto mean = hn::Div(offsets, weights);
  const auto variance = hn::Sub(hn::Div(squares, weights), hn::Mul(mean, mean));
  const auto spread = hn::Sqrt(hn::IfThenElseZero(hn::Gt(variance, zero), variance));
  const auto confidence = hn::Min(hn::Set(d, 1.0), hn::Div(hn::Div(weights, feathers), hn::Set(d, fullWeight)));
  // Cells that don't count are replaced before they are made smaller numbers.
  const auto made = [&](auto value) HWY_ATTR { return hn::DemoteTo(df, hn::IfThenElseZero(any, value)); };
  const auto put = [&](auto values, uint16_t* to) HWY_ATTR { hn::StoreU(hn::DemoteTo(du, values), du, to + at); };
  const auto steps = hn::Set(df, static_cast<float>(kUnitSteps)), most = hn::Set(df, 65535.0F);
  hn::StoreU(hn::DemoteTo(df, hn::IfThenElse(any, hn::Add(lead, mean), hn::Set(d, kNoHeight))), df, out.height + at);
  put(hn::NearestInt(hn::Mul(made(confidence), steps)), out.confidence);
  put(hn::NearestInt(hn::Min(hn::Mul(made(spread), steps), most)), out.spread);
  const auto loadCount = [&](const FeatheredRow& tile) HWY_ATTR { return hn::PromoteTo(d, hn::LoadU(df, tile.cells.count + at)); };
  const auto count = hn::IfThenElse(isSecond, loadCount(second), loadCount(first));
  put(hn::DemoteTo(di, hn::IfThenElseZero(hn::And(any, hn::Gt(count, zero)), hn::Min(count, hn::Set(d, 65535.0)))), out.count);
  put(hn::DemoteTo(di, hn::IfThenElse(any, hn::Set(d, kHasHeight), hn::Set(d, emptyReason))), out.reason);
}

void blendTwoRow(const FeatheredRow& first, const FeatheredRow& second, int cells, double toleranceM, double fullWeight, uint16_t emptyReason,
                 const MergedRow& out) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int at = 0;
  for (; at + lanes <= cells; at += lanes) blendVector(d, first, second, at, toleranceM, fullWeight, emptyReason, out);
  for (; at < cells; ++at) blendVector(one, first, second, at, toleranceM, fullWeight, emptyReason, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(takeRow);
HWY_EXPORT(blendTwoRow);

void takeCells(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out) {
  HWY_DYNAMIC_DISPATCH(takeRow)(in, cells, fullWeight, emptyReason, out);
}

void blendTwo(const FeatheredRow& first, const FeatheredRow& second, int cells, double toleranceM, double fullWeight, uint16_t emptyReason,
              const MergedRow& out) {
  HWY_DYNAMIC_DISPATCH(blendTwoRow)(first, second, cells, toleranceM, fullWeight, emptyReason, out);
}

}  // namespace altiplano
#endif  // HWY_ONCE
