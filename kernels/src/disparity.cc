// SPDX-License-Identifier: Apache-2.0
#include "disparity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "disparity.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// All loops over candidates run to the padding's end: what is there is kNoCandidate, which never wins.
using Sums = hn::ScalableTag<uint16_t>;
using Winner = DisparitySelector::Winner;
using State = DisparitySelector::State;

// The smallest sum but for k - 1, k and k + 1.
uint16_t rivalOf(const uint16_t* sums, int stride, int k) {
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
  return hn::GetLane(hn::MinOfLanes(d, least));
}

Winner winnerOf(const uint16_t* sums, int stride) {
  const Sums d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  auto vector = hn::Set(d, kNoCandidate);
  for (int k = 0; k < stride; k += lanes) vector = hn::Min(vector, hn::Load(d, sums + k));
  const uint16_t least = hn::GetLane(hn::MinOfLanes(d, vector));
  if (least == kNoCandidate) return {};
  const auto wanted = hn::Set(d, least);
  int first = 0;
  intptr_t lane = -1;
  for (;; first += lanes) {
    lane = hn::FindFirstTrue(d, hn::Eq(hn::Load(d, sums + first), wanted));
    if (lane >= 0) break;
  }
  const int k = first + static_cast<int>(lane);
  return {k, least, rivalOf(sums, stride, k)};
}

// What the secondary's columns of this row prefer.
void findRightView(State& s, int v, const uint16_t* sums, int stride) {
  const Sums d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const int width = s.in.width(), secWidth = s.in.secCensus.width;
  uint16_t* const best = s.rightSums.view().row(0);
  uint16_t* const columns = s.rightColumns.view().row(0);
  std::fill_n(best, secWidth + 2 * stride, kNoCandidate);
  // Neighbours in the row touch nearly the same columns: to load what was stored a moment ago at another
  // alignment makes a processor wait. So pixels far from each other take turns.
  const int apart = 32;
  for (int phase = 0; phase < apart; ++phase) {
    for (int u = phase; u < width; u += apart) {
      if (s.in.refValidity.at(u, v) != 0) continue;
      const ptrdiff_t at = std::clamp(u + s.in.low.at(u, v) + s.in.secOffset, -stride, secWidth) + stride;
      const uint16_t* const from = sums + static_cast<ptrdiff_t>(u) * stride;
      const auto column = hn::Set(d, static_cast<uint16_t>(u));
      for (int k = 0; k < stride; k += lanes) {
        const auto now = hn::Load(d, from + k), before = hn::LoadU(d, best + at + k);
        const auto columnBefore = hn::LoadU(d, columns + at + k);
        const auto better = hn::Or(hn::Lt(now, before), hn::And(hn::Eq(now, before), hn::Lt(column, columnBefore)));
        hn::StoreU(hn::Min(now, before), d, best + at + k);
        hn::StoreU(hn::IfThenElse(better, column, columnBefore), d, columns + at + k);
      }
    }
  }
}

// The right view at secondary columns.
struct RightView {
  const uint16_t *sums, *columns;  // of column 0
  int width;
  bool has(int column) const { return column >= 0 && column < width && sums[column] != kNoCandidate; }
  int referenceOf(int column) const { return columns[column]; }

  // Disagreement, pixels, with a match of reference column u at secondary position u + d + offset.
  float differenceAt(int u, float d, int offset) const {
    float least = std::numeric_limits<float>::infinity();
    for (const int e : {static_cast<int>(std::floor(d)), static_cast<int>(std::ceil(d))}) {
      const int column = u + e + offset;
      if (!has(column)) continue;
      least = std::min(least, std::fabs(static_cast<float>(column - offset - referenceOf(column)) - d));
    }
    return least;
  }
};

// The minimum of the parabola through sums k - 1, k, k + 1 relative to k, in [-0.5, 0.5]; 0 where one is missing.
float subPixel(const uint16_t* sums, int count, int k) {
  if (k == 0 || k == count - 1 || sums[k - 1] == kNoCandidate || sums[k + 1] == kNoCandidate) return 0;
  const float left = sums[k - 1], middle = sums[k], right = sums[k + 1];
  const float curvature = left - 2.0f * middle + right;
  // A candidate chosen by the right view needn't be a minimum.
  if (!(curvature > 0)) return 0;
  return std::clamp(0.5f * (left - right) / curvature, -0.5f, 0.5f);
}

// The best candidate that is its secondary pixel's choice too; none if it costs more than `limit`.
Winner agreedWinner(const RightView& right, const uint16_t* sums, int count, int stride, int u, int start,
                    float limit) {
  Winner winner;
  for (int k = 0; k < count; ++k) {
    if (sums[k] < winner.sum && right.has(start + k) && right.referenceOf(start + k) == u) winner = {k, sums[k], 0};
  }
  if (winner.k < 0 || static_cast<float>(winner.sum) > limit) return {};
  winner.rival = rivalOf(sums, stride, winner.k);
  return winner;
}

void selectRowSimd(State& s, int v, const uint16_t* rowSums) {
  const SgmInput& in = s.in;
  const int width = in.width(), count = in.count, stride = sgmStride(count);
  for (int u = 0; u < width; ++u) {
    if (in.refValidity.at(u, v) == 0) s.winners[static_cast<size_t>(u)] = winnerOf(rowSums + static_cast<ptrdiff_t>(u) * stride, stride);
  }
  findRightView(s, v, rowSums, stride);
  const RightView right{s.rightSums.view().row(0) + stride, s.rightColumns.view().row(0) + stride, in.secCensus.width};
  for (int u = 0; u < width; ++u) {
    s.out.disparity.at(u, v) = std::numeric_limits<float>::quiet_NaN();
    s.out.confidence.at(u, v) = 0;
    s.out.validity.at(u, v) = in.refValidity.at(u, v);
    if (in.refValidity.at(u, v) != 0) continue;
    const uint16_t* sums = rowSums + static_cast<ptrdiff_t>(u) * stride;
    Winner winner = s.winners[static_cast<size_t>(u)];
    if (winner.k < 0) {
      s.out.validity.at(u, v) = kOutsideSecondary;
      continue;
    }
    const int low = in.low.at(u, v);
    const auto disparityOf = [&](int k) { return static_cast<float>(low + k) + subPixel(sums, count, k); };
    uint16_t why = kValid;
    if (winner.sum == winner.rival) why |= kAmbiguous;
    if (s.options.leftRightPx >= 0 &&
        right.differenceAt(u, disparityOf(winner.k), in.secOffset) > s.options.leftRightPx) {
      const float limit = s.options.secondChance * static_cast<float>(winner.sum);
      const Winner agreed = agreedWinner(right, sums, count, stride, u, u + low + in.secOffset, limit);
      if (agreed.k >= 0) {
        winner = agreed;
      } else {
        why |= kLeftRight;
      }
    }
    if (winner.k == 0 || winner.k == count - 1) why |= kRangeEdge;
    s.out.validity.at(u, v) = why;
    if (why != kValid) continue;
    s.out.disparity.at(u, v) = disparityOf(winner.k);
    const float ratio = static_cast<float>(winner.sum) / std::max(1.0f, static_cast<float>(winner.rival));
    s.out.confidence.at(u, v) = std::max(kLeastConfidence, 1.0f - ratio);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(selectRowSimd);

DisparitySelector::DisparitySelector(const SgmInput& input, const DisparityOptions& options, const DisparityViews& out)
    : state_{input, options, out, std::vector<Winner>(static_cast<size_t>(input.width())),
             Image<uint16_t>(input.secCensus.width + 2 * sgmStride(input.count), 1),
             Image<uint16_t>(input.secCensus.width + 2 * sgmStride(input.count), 1)} {}

void DisparitySelector::select(int v, const uint16_t* sums) { HWY_DYNAMIC_DISPATCH(selectRowSimd)(state_, v, sums); }
}  // namespace altiplano
#endif
