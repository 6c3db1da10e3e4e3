// SPDX-License-Identifier: Apache-2.0
#include "product_cells.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "product_cells.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Cells taken at once: sums over them fit 32 bits.
constexpr int kChunk = 512;

// Why each cell has no height, and how many there are of each reason.
void sayWhy(const uint16_t* reason, int cells, RowAreas areas, uint8_t* validity, ProductTally& tally) {
  for (int i = 0; i < cells; ++i) validity[i] = reason[i] > kOutsideRoi ? uint8_t{kOutside} : static_cast<uint8_t>(reason[i]);
  if (areas.roi != nullptr) {
    for (int i = 0; i < cells; ++i) validity[i] = areas.roi[i] == 0 ? uint8_t{kOutsideRoi} : validity[i];
  }
  if (areas.seen != nullptr) {
    for (int i = 0; i < cells; ++i) validity[i] = areas.seen[i] == 0 && validity[i] == kNoPoint ? uint8_t{kOutside} : validity[i];
  }
  const hn::ScalableTag<uint8_t> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int i = 0;
  for (; i + lanes <= cells; i += lanes) {
    const auto why = hn::LoadU(d, validity + i);
    for (int k = 0; k < kReasons; ++k) tally.reasons[k] += static_cast<int64_t>(hn::CountTrue(d, hn::Eq(why, hn::Set(d, static_cast<uint8_t>(k)))));
  }
  for (; i < cells; ++i) ++tally.reasons[validity[i]];
}

// To the nearest whole number, ties to even, for |value| < 2^31: adding 1.5 * 2^52 leaves no room for a fraction.
void subtract(const float* height, const float* undulation, int cells, float* dsm) {
  constexpr double kNoFraction = 6755399441055744.0;
  for (int i = 0; i < cells; ++i) {
    const double steps = (static_cast<double>(height[i]) - undulation[i]) * kHeightSteps;
    dsm[i] = static_cast<float>(((steps + kNoFraction) - kNoFraction) * (1.0 / kHeightSteps));
  }
}

// Lane by lane, over a chunk. Heights are counted in two parts, as their sum would not fit.
template <class D>
struct Sums {
  using VI = hn::Vec<hn::RebindToSigned<D>>;
  VI heightsHigh, heightsLow, confidences, spreads, points, minHeight, maxHeight, maxSpread, maxCount;
};
constexpr int kLowBits = 12;

template <class D>
HWY_INLINE Sums<D> noSums(D) {
  const hn::RebindToSigned<D> di;
  const auto zero = hn::Zero(di);
  return {zero, zero, zero, zero, zero, hn::Set(di, std::numeric_limits<int32_t>::max()), hn::Set(di, std::numeric_limits<int32_t>::min()), zero, zero};
}

template <class D>
void addTo(ProductTally& tally, D, const Sums<D>& sums) {
  const hn::RebindToSigned<D> di;
  const auto sum = [di](auto v) HWY_ATTR { return static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(di, v))); };
  tally.heights += sum(sums.heightsHigh) * (1 << kLowBits) + sum(sums.heightsLow);
  tally.confidences += sum(sums.confidences);
  tally.spreads += sum(sums.spreads);
  tally.points += sum(sums.points);
  tally.minHeight = std::min(tally.minHeight, hn::GetLane(hn::MinOfLanes(di, sums.minHeight)));
  tally.maxHeight = std::max(tally.maxHeight, hn::GetLane(hn::MaxOfLanes(di, sums.maxHeight)));
  tally.maxSpread = std::max(tally.maxSpread, hn::GetLane(hn::MaxOfLanes(di, sums.maxSpread)));
  tally.maxCount = std::max(tally.maxCount, hn::GetLane(hn::MaxOfLanes(di, sums.maxCount)));
}

// A vector of cells whose validity is known. bin: of each cell, -1 where it has no height. isRounded: out.dsm holds the heights.
template <class D>
HWY_INLINE void publishVector(D d, const MergedCells& merged, int at, bool isRounded, const ProductTally& tally, const ProductCells& out,
                              int32_t* bin, Sums<D>& sums) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> du16;
  const hn::Rebind<uint8_t, D> du8;
  const auto valid = hn::Eq(hn::PromoteTo(di, hn::LoadU(du8, out.validity + at)), hn::Zero(di));
  const auto hasHeight = hn::RebindMask(d, valid);
  const auto nothing = hn::Set(d, kNoHeight), perStep = hn::Set(d, 1.0F / kUnitSteps);
  const auto given = hn::LoadU(d, (isRounded ? out.dsm : merged.height) + at);
  const auto height = hn::NearestInt(hn::IfThenElseZero(hasHeight, hn::Mul(given, hn::Set(d, static_cast<float>(kHeightSteps)))));
  const auto dsm = hn::Mul(hn::ConvertTo(d, height), hn::Set(d, 1.0F / kHeightSteps));
  const auto load = [&](const uint16_t* from) HWY_ATTR { return hn::IfThenElseZero(valid, hn::PromoteTo(di, hn::LoadU(du16, from + at))); };
  const auto confidence = load(merged.confidence), spread = load(merged.spread), count = load(merged.count);
  hn::StoreU(hn::IfThenElse(hasHeight, dsm, nothing), d, out.dsm + at);
  hn::StoreU(hn::IfThenElse(hasHeight, hn::Mul(hn::ConvertTo(d, confidence), perStep), nothing), d, out.confidence + at);
  hn::StoreU(hn::IfThenElse(hasHeight, hn::Mul(hn::ConvertTo(d, spread), perStep), nothing), d, out.spread + at);
  hn::StoreU(hn::DemoteTo(du16, count), du16, out.count + at);

  sums.heightsHigh = hn::Add(sums.heightsHigh, hn::ShiftRight<kLowBits>(height));
  sums.heightsLow = hn::Add(sums.heightsLow, hn::And(height, hn::Set(di, (1 << kLowBits) - 1)));
  sums.confidences = hn::Add(sums.confidences, confidence);
  sums.spreads = hn::Add(sums.spreads, spread);
  sums.points = hn::Add(sums.points, count);
  sums.minHeight = hn::Min(sums.minHeight, hn::IfThenElse(valid, height, hn::Set(di, std::numeric_limits<int32_t>::max())));
  sums.maxHeight = hn::Max(sums.maxHeight, hn::IfThenElse(valid, height, hn::Set(di, std::numeric_limits<int32_t>::min())));
  sums.maxSpread = hn::Max(sums.maxSpread, spread);
  sums.maxCount = hn::Max(sums.maxCount, count);
  const auto bins = static_cast<float>(tally.bins.size());
  const auto place = hn::Mul(hn::Sub(dsm, hn::Set(d, tally.binsFrom)), hn::Set(d, bins / (tally.binsTo - tally.binsFrom)));
  const auto within = hn::ConvertTo(di, hn::Min(hn::Max(place, hn::Zero(d)), hn::Set(d, bins - 1)));
  hn::StoreU(hn::IfThenElse(valid, within, hn::Set(di, -1)), di, bin);
}

void publishChunk(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out, ProductTally& tally) {
  sayWhy(merged.reason, cells, areas, out.validity, tally);
  if (undulation != nullptr) subtract(merged.height, undulation, cells, out.dsm);
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int lanes = static_cast<int>(hn::Lanes(d));
  HWY_ALIGN int32_t bin[kChunk];
  auto sums = noSums(d);
  auto rest = noSums(one);
  int at = 0;
  for (; at + lanes <= cells; at += lanes) publishVector(d, merged, at, undulation != nullptr, tally, out, bin + at, sums);
  for (; at < cells; ++at) publishVector(one, merged, at, undulation != nullptr, tally, out, bin + at, rest);
  addTo(tally, d, sums);
  addTo(tally, one, rest);
  if (tally.bins.empty()) return;
  int64_t none = 0;
  for (int i = 0; i < cells; ++i) ++(bin[i] < 0 ? none : tally.bins[static_cast<size_t>(bin[i])]);
}

void publishRow(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out, ProductTally& tally) {
  for (int at = 0; at < cells; at += kChunk) {
    const auto from = [at](auto* layer) { return layer == nullptr ? nullptr : layer + at; };
    publishChunk({merged.height + at, merged.confidence + at, merged.count + at, merged.spread + at, merged.reason + at}, std::min(kChunk, cells - at),
                 from(undulation), {from(areas.roi), from(areas.seen)},
                 {out.dsm + at, out.confidence + at, out.spread + at, out.count + at, out.validity + at}, tally);
  }
}

// Means of a vector of blocks of two by two values that are whole multiples of 1 / steps, in those: the sum of up to four, divided by how many
// there are, to the nearest, of two as near the even one.
template <int steps, class D>
HWY_INLINE void halveFloats(D d, const float* top, const float* bottom, float* mean) {
  const hn::RebindToSigned<D> di;
  using V = hn::Vec<D>;
  V values[4];
  hn::LoadInterleaved2(d, top, values[0], values[1]);
  hn::LoadInterleaved2(d, bottom, values[2], values[3]);
  const auto one = hn::Set(di, 1);
  const V nothing = hn::Set(d, kNoHeight);
  auto n = hn::Zero(di), sum = hn::Zero(di);
  for (const V value : values) {
    const auto has = hn::Ne(value, nothing);
    n = hn::Add(n, hn::IfThenElseZero(hn::RebindMask(di, has), one));
    sum = hn::Add(sum, hn::ConvertTo(di, hn::IfThenElseZero(has, hn::Mul(value, hn::Set(d, static_cast<float>(steps))))));
  }
  // To the nearest, of a tie to the even one: one less than half the divisor is added, and 1 more where the quotient rounded down is odd.
  const auto isOdd = [&](auto v) HWY_ATTR { return hn::And(v, one); };
  const auto quarter = hn::ShiftRight<2>(hn::Add(hn::Add(sum, one), isOdd(hn::ShiftRight<2>(sum))));
  const auto half = hn::ShiftRight<1>(hn::Add(sum, isOdd(hn::ShiftRight<1>(sum))));
  auto result = hn::IfThenElse(hn::Eq(n, hn::Set(di, 4)), quarter, hn::IfThenElse(hn::Eq(n, hn::Set(di, 2)), half, sum));
  const auto isThree = hn::Eq(n, hn::Set(di, 3));
  if (!hn::AllFalse(di, isThree)) {
    // The float may err by some; the remainder says by how much. Thirds have no ties.
    auto third = hn::NearestInt(hn::Mul(hn::ConvertTo(d, sum), hn::Set(d, 1.0F / 3)));
    const auto left = hn::Sub(sum, hn::Add(hn::Add(third, third), third));
    for (const int over : {1, 4}) {
      third = hn::Add(third, hn::IfThenElseZero(hn::Gt(left, hn::Set(di, over)), one));
      third = hn::Sub(third, hn::IfThenElseZero(hn::Lt(left, hn::Set(di, -over)), one));
    }
    result = hn::IfThenElse(isThree, third, result);
  }
  const auto isNone = hn::RebindMask(d, hn::Eq(n, hn::Zero(di)));
  hn::StoreU(hn::IfThenElse(isNone, nothing, hn::Mul(hn::ConvertTo(d, result), hn::Set(d, 1.0F / steps))), d, mean);
}

// A vector of counts and reasons. False where three cells of a block lie inside of the raster, which its edges never make: then it did nothing.
template <class D>
HWY_INLINE bool halveReasons(D di, const uint16_t* const (&counts)[2], const uint8_t* const (&reasons)[2], uint16_t* count, uint8_t* reason) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::Rebind<uint8_t, D> d8;
  using V = hn::Vec<D>;
  const V one = hn::Set(di, 1), beyond = hn::Set(di, kBeyond);
  V why[4], sum = hn::Zero(di), cells = hn::Zero(di);
  for (int y = 0; y < 2; ++y) {
    // Two neighbours in a lane.
    const V pair = hn::PromoteTo(di, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(reasons[y])));
    why[2 * y] = hn::And(pair, hn::Set(di, 255));
    why[2 * y + 1] = hn::ShiftRight<8>(pair);
    const V both = hn::LoadU(di, reinterpret_cast<const int32_t*>(counts[y]));
    const hn::RebindToUnsigned<D> du;
    sum = hn::Add(sum, hn::Add(hn::And(both, hn::Set(di, 65535)), hn::BitCast(di, hn::ShiftRight<16>(hn::BitCast(du, both)))));
  }
  for (const V each : why) cells = hn::Add(cells, hn::IfThenElseZero(hn::Ne(each, beyond), one));
  const auto has = [&](int n) HWY_ATTR { return hn::Eq(cells, hn::Set(di, n)); };
  if (!hn::AllFalse(di, has(3))) return false;
  const V quarter = hn::ShiftRight<2>(hn::Add(sum, hn::Set(di, 2))), half = hn::ShiftRight<1>(hn::Add(sum, one));
  const V mean = hn::IfThenElse(has(4), quarter, hn::IfThenElse(has(2), half, hn::IfThenElseZero(has(1), sum)));
  hn::StoreU(hn::DemoteTo(d16, mean), d16, count);

  V best = beyond, votes = hn::Zero(di);
  for (int i = 0; i < 4; ++i) {
    V n = one;
    for (int j = 0; j < 4; ++j) {
      if (j != i) n = hn::Add(n, hn::IfThenElseZero(hn::Eq(why[i], why[j]), one));
    }
    const auto wins = hn::And(hn::Gt(n, votes), hn::Ne(why[i], beyond));
    best = hn::IfThenElse(wins, why[i], best);
    votes = hn::IfThenElse(wins, n, votes);
  }
  hn::StoreU(hn::DemoteTo(d8, best), d8, reason);
  return true;
}

// Halves whole vectors of a row's cells; returns how many came out.
int halveRow(const ProductViews& in, int y, const ProductViews& out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int lanes = static_cast<int>(hn::Lanes(d)), width = out.dsm.width;
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    if (!halveReasons(di, {in.count.row(2 * y) + 2 * x, in.count.row(2 * y + 1) + 2 * x}, {in.validity.row(2 * y) + 2 * x, in.validity.row(2 * y + 1) + 2 * x},
                      out.count.row(y) + x, out.validity.row(y) + x)) {
      break;
    }
    halveFloats<kHeightSteps>(d, in.dsm.row(2 * y) + 2 * x, in.dsm.row(2 * y + 1) + 2 * x, out.dsm.row(y) + x);
    halveFloats<kUnitSteps>(d, in.confidence.row(2 * y) + 2 * x, in.confidence.row(2 * y + 1) + 2 * x, out.confidence.row(y) + x);
    halveFloats<kUnitSteps>(d, in.spread.row(2 * y) + 2 * x, in.spread.row(2 * y + 1) + 2 * x, out.spread.row(y) + x);
  }
  return x;
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(publishRow);
HWY_EXPORT(halveRow);

void ProductTally::add(const ProductTally& other) {
  for (int i = 0; i < kReasons; ++i) reasons[i] += other.reasons[i];
  heights += other.heights;
  confidences += other.confidences;
  spreads += other.spreads;
  points += other.points;
  minHeight = std::min(minHeight, other.minHeight);
  maxHeight = std::max(maxHeight, other.maxHeight);
  maxSpread = std::max(maxSpread, other.maxSpread);
  maxCount = std::max(maxCount, other.maxCount);
  for (size_t i = 0; i < bins.size(); ++i) bins[i] += other.bins[i];
}

void productCells(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out,
                  ProductTally& tally) {
  HWY_DYNAMIC_DISPATCH(publishRow)(merged, cells, undulation, areas, out, tally);
}

void addInside(const std::vector<double>& ring, double north, double originE, double resolution, int col0, int cols,
               std::vector<double>& crossings, uint8_t* inside) {
  crossings.clear();
  const size_t corners = ring.size() / 2;
  for (size_t i = 0; i < corners; ++i) {
    const size_t next = (i + 1) % corners;
    const double x0 = ring[2 * i], y0 = ring[2 * i + 1], x1 = ring[2 * next], y1 = ring[2 * next + 1];
    if ((y0 < north) != (y1 < north)) crossings.push_back(x0 + ((north - y0) / (y1 - y0)) * (x1 - x0));
  }
  std::sort(crossings.begin(), crossings.end());
  // The first cell whose centre is not west of a crossing: about where it lies, then to the bit.
  const auto firstFrom = [&](double crossing) {
    const auto isEast = [&](int i) { return crossing <= originE + (col0 + i + 0.5) * resolution; };
    int i = static_cast<int>(std::clamp((crossing - originE) / resolution - col0, 0.0, static_cast<double>(cols)));
    while (i > 0 && isEast(i - 1)) --i;
    while (i < cols && !isEast(i)) ++i;
    return i;
  };
  for (size_t k = 0; k < crossings.size(); k += 2) {
    const int from = firstFrom(crossings[k]), to = k + 1 < crossings.size() ? firstFrom(crossings[k + 1]) : cols;
    if (from < to) std::fill(inside + from, inside + to, uint8_t{1});
  }
}

void halveProduct(const ProductViews& in, const ProductViews& out) {
  const auto part = [](auto view, int col0, int row0, int width, int height) {
    view.data = view.row(row0) + col0;
    view.width = width;
    view.height = height;
    return view;
  };
  const auto parts = [&](const ProductViews& views, int col0, int row0, int width, int height) {
    return ProductViews{part(views.dsm, col0, row0, width, height), part(views.confidence, col0, row0, width, height),
                        part(views.spread, col0, row0, width, height), part(views.count, col0, row0, width, height),
                        part(views.validity, col0, row0, width, height)};
  };
  for (int y = 0; y < out.dsm.height; ++y) {
    const int done = HWY_DYNAMIC_DISPATCH(halveRow)(in, y, out), rest = out.dsm.width - done;
    if (rest > 0) halveProductReference(parts(in, 2 * done, 2 * y, 2 * rest, 2), parts(out, done, y, rest, 1));
  }
}

}  // namespace altiplano
#endif  // HWY_ONCE
