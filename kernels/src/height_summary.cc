// SPDX-License-Identifier: Apache-2.0
#include "height_summary.h"

#include <algorithm>
#include <array>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "height_summary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ALTIPLANO_HEIGHT_SUMMARY_CELLS
#define ALTIPLANO_HEIGHT_SUMMARY_CELLS
namespace altiplano {

// Some cells of a row, and what is learnt of them.
struct SummedCells {
  const float* heights;
  const uint16_t* reasons;
  int cells;
  float min, max;  // of the heights, and of what they are before
  int valid;
};

}  // namespace altiplano
#endif  // ALTIPLANO_HEIGHT_SUMMARY_CELLS

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
struct Extremes {
  hn::Vec<D> min, max;
};

// bin: of each cell; bins.size where it has no height. Returns how many have one.
template <class D>
HWY_INLINE int sumVector(D d, const SummedCells& row, int at, const HeightBins& bins, Extremes<D>& extremes, int32_t* bin) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> du;
  const auto has = hn::Eq(hn::PromoteTo(di, hn::LoadU(du, row.reasons + at)), hn::Zero(di));
  const auto hasHeight = hn::RebindMask(d, has);
  const auto height = hn::LoadU(d, row.heights + at);
  extremes.min = hn::IfThenElse(hn::And(hasHeight, hn::Lt(height, extremes.min)), height, extremes.min);
  extremes.max = hn::IfThenElse(hn::And(hasHeight, hn::Gt(height, extremes.max)), height, extremes.max);
  const auto place = hn::Mul(hn::Sub(height, hn::Set(d, bins.from)), hn::Set(d, bins.perMetre));
  const auto within = hn::Min(hn::Max(place, hn::Zero(d)), hn::Set(d, static_cast<float>(bins.size - 1)));
  hn::StoreU(hn::IfThenElse(has, hn::ConvertTo(di, hn::IfThenElseZero(hasHeight, within)), hn::Set(di, bins.size)), di, bin + at);
  return static_cast<int>(hn::CountTrue(di, has));
}

void sumCells(SummedCells& row, const HeightBins& bins, int32_t* bin) {
  using Many = hn::ScalableTag<float>;
  using One = hn::CappedTag<float, 1>;
  const Many d;
  const One one;
  const int lanes = static_cast<int>(hn::Lanes(d));
  Extremes<Many> all{hn::Set(d, row.min), hn::Set(d, row.max)};
  Extremes<One> rest{hn::Set(one, row.min), hn::Set(one, row.max)};
  int at = 0;
  row.valid = 0;
  for (; at + lanes <= row.cells; at += lanes) row.valid += sumVector(d, row, at, bins, all, bin);
  for (; at < row.cells; ++at) row.valid += sumVector(one, row, at, bins, rest, bin);
  row.min = std::min(hn::GetLane(hn::MinOfLanes(d, all.min)), hn::GetLane(rest.min));
  row.max = std::max(hn::GetLane(hn::MaxOfLanes(d, all.max)), hn::GetLane(rest.max));
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(sumCells);

namespace {

// Cells taken at once: what is looked up cell by cell, the bins, comes last.
constexpr int kChunk = 512;

}  // namespace

HeightSummary summarizeHeights(ImageView<const float> height, ImageView<const uint16_t> reason, const HeightBins& bins) {
  HeightSummary sum;
  int32_t bin[kChunk];
  // Neighbours fall into the same bins, and would wait for each other. The last one takes cells without a height.
  std::array<std::vector<uint32_t>, 2> counts;
  for (auto& half : counts) half.resize(static_cast<size_t>(bins.size) + 1);
  for (int y = 0; y < height.height; ++y) {
    int first = height.width, end = 0;
    for (int from = 0; from < height.width; from += kChunk) {
      SummedCells row{height.row(y) + from, reason.row(y) + from, std::min(kChunk, height.width - from), sum.min, sum.max, 0};
      HWY_DYNAMIC_DISPATCH(sumCells)(row, bins, bin);
      if (row.valid == 0) continue;
      sum.min = row.min;
      sum.max = row.max;
      sum.valid += row.valid;
      for (int i = 0; i < row.cells; ++i) ++counts[i & 1][static_cast<size_t>(bin[i])];
      int left = 0, right = row.cells;
      while (row.reasons[left] != 0) ++left;
      while (row.reasons[right - 1] != 0) --right;
      first = std::min(first, from + left);
      end = std::max(end, from + right);
    }
    if (end == 0) continue;
    sum.left = std::min(sum.left, first);
    sum.right = std::max(sum.right, end - 1);
    sum.top = std::min(sum.top, y);
    sum.bottom = y;
  }
  for (int i = 0; i < bins.size; ++i) bins.counts[i] += counts[0][static_cast<size_t>(i)] + counts[1][static_cast<size_t>(i)];
  return sum;
}

}  // namespace altiplano
#endif  // HWY_ONCE
