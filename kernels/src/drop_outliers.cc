// SPDX-License-Identifier: Apache-2.0
#include "drop_outliers.h"

#include <array>
#include <bit>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "drop_outliers.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ALTIPLANO_DROP_OUTLIERS_ONCE
#define ALTIPLANO_DROP_OUTLIERS_ONCE
namespace altiplano {
using Bounds = std::array<float, 2>;  // lowest, highest
}
#endif  // ALTIPLANO_DROP_OUTLIERS_ONCE

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The bounds of each lane's cell.
template <class D, class Cells>
HWY_INLINE void boundsOf(D d, const AllowedHeights& allowed, Cells cell, hn::Vec<D>& low, hn::Vec<D>& high) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Repartition<int64_t, D> pairs;
    const hn::Half<hn::RebindToSigned<D>> half;
    const int64_t* bounds = allowed.bounds.data();
    const auto first = hn::BitCast(d, hn::GatherIndex(pairs, bounds, hn::PromoteTo(pairs, hn::LowerHalf(half, cell))));
    const auto second = hn::BitCast(d, hn::GatherIndex(pairs, bounds, hn::PromoteTo(pairs, hn::UpperHalf(half, cell))));
    low = hn::ConcatEven(d, second, first), high = hn::ConcatOdd(d, second, first);
    return;
  }
#endif
  const auto pair = std::bit_cast<Bounds>(allowed.bounds[static_cast<size_t>(hn::GetLane(cell))]);
  low = hn::Set(d, pair[0]), high = hn::Set(d, pair[1]);
}

template <class D>
size_t dropVector(D d, const AllowedHeights& allowed, float* east, float* north, float* up) {
  const hn::RebindToSigned<D> di;
  const auto height = hn::LoadU(d, up), e = hn::LoadU(d, east), n = hn::LoadU(d, north);
  const auto perMetre = hn::Set(d, allowed.perMetre), zero = hn::Zero(d);
  const auto x = hn::Mul(hn::Add(e, hn::Set(d, allowed.east)), perMetre);
  const auto y = hn::Mul(hn::Sub(hn::Set(d, allowed.south), n), perMetre);
  const auto inX = hn::And(hn::Ge(x, zero), hn::Lt(x, hn::Set(d, static_cast<float>(allowed.width))));
  const auto inY = hn::And(hn::Ge(y, zero), hn::Lt(y, hn::Set(d, static_cast<float>(allowed.height))));
  const auto inside = hn::And(inX, inY);
  const auto column = hn::ConvertTo(di, hn::IfThenElseZero(inside, x));
  const auto row = hn::ConvertTo(di, hn::IfThenElseZero(inside, y));
  const auto outside = hn::Set(di, allowed.width * allowed.height);
  const auto cell = hn::IfThenElse(hn::RebindMask(di, inside),
                                   hn::Add(hn::Mul(row, hn::Set(di, allowed.width)), column), outside);
  hn::Vec<D> low, high;
  boundsOf(d, allowed, cell, low, high);
  const auto stays = hn::And(hn::Ge(height, low), hn::Le(height, high));
  const auto goes = hn::AndNot(stays, hn::Eq(height, height));
  if (hn::AllFalse(d, goes)) return 0;
  const auto nothing = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  hn::StoreU(hn::IfThenElse(goes, nothing, e), d, east);
  hn::StoreU(hn::IfThenElse(goes, nothing, n), d, north);
  hn::StoreU(hn::IfThenElse(goes, nothing, height), d, up);
  return hn::CountTrue(d, goes);
}

size_t dropRow(const AllowedHeights& allowed, float* east, float* north, float* up, int width) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int lanes = static_cast<int>(hn::Lanes(d));
  size_t dropped = 0;
  int i = 0;
  for (; i + lanes <= width; i += lanes) dropped += dropVector(d, allowed, east + i, north + i, up + i);
  for (; i < width; ++i) dropped += dropVector(one, allowed, east + i, north + i, up + i);
  return dropped;
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(dropRow);

AllowedHeights allowedHeights(double originE, double originN, const HeightPrior& prior, const OutlierLimits& limits) {
  AllowedHeights allowed{{}, prior.low.width, prior.low.height, static_cast<float>(originE - prior.originE),
                         static_cast<float>(prior.originN - originN), static_cast<float>(1 / prior.resolution)};
  const auto add = [&](double low, double high, bool searched) {
    const float highest = searched ? static_cast<float>(high + limits.slack + limits.tower) : -std::numeric_limits<float>::infinity();
    allowed.bounds.push_back(std::bit_cast<int64_t>(Bounds{static_cast<float>(low - limits.slack), highest}));
  };
  for (int j = 0; j < prior.low.height; ++j) {
    for (int i = 0; i < prior.low.width; ++i) {
      const double low = prior.low.at(i, j), high = prior.high.at(i, j);
      add(low, high, high - low <= limits.searched);
    }
  }
  add(limits.low, limits.high, true);
  return allowed;
}

size_t dropOutliers(const PointViews& points, const AllowedHeights& allowed) {
  size_t dropped = 0;
  for (int j = 0; j < points.up.height; ++j) {
    dropped += HWY_DYNAMIC_DISPATCH(dropRow)(allowed, points.east.row(j), points.north.row(j), points.up.row(j),
                                             points.up.width);
  }
  return dropped;
}

size_t dropOutliers(const PointViews& points, double originE, double originN, const HeightPrior& prior,
                    const OutlierLimits& limits) {
  return dropOutliers(points, allowedHeights(originE, originN, prior, limits));
}

}  // namespace altiplano
#endif  // HWY_ONCE
