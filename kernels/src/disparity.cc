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

struct Winner {
  int k = -1;  // none
  uint16_t sum = kNoCandidate;
  uint16_t rival = kNoCandidate;  // smallest sum at least 2 px away
};

uint16_t leastOf(hn::Vec<Sums> v) { return hn::GetLane(hn::MinOfLanes(Sums(), v)); }

uint16_t rivalOf(const uint16_t* sums, int stride, int k) {
  const Sums d;
  const auto none = hn::Set(d, kNoCandidate), two = hn::Set(d, 2);
  // k - 1, k and k + 1 are out: index - from <= 2, unsigned.
  const auto from = hn::Set(d, static_cast<uint16_t>(k - 1));
  auto least = none;
  for (int i = 0; i < stride; i += static_cast<int>(hn::Lanes(d))) {
    const auto index = hn::Sub(hn::Iota(d, static_cast<uint16_t>(i)), from);
    least = hn::Min(least, hn::IfThenElse(hn::Gt(index, two), hn::Load(d, sums + i), none));
  }
  return leastOf(least);
}

Winner winnerOf(const uint16_t* sums, int stride) {
  const Sums d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  auto vector = hn::Set(d, kNoCandidate);
  for (int k = 0; k < stride; k += lanes) vector = hn::Min(vector, hn::Load(d, sums + k));
  const uint16_t least = leastOf(vector);
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

// What secondary pixels of a row prefer: the reference column of the smallest sum on each one's diagonal.
class RightView {
 public:
  RightView(int width, int stride)
      : width_(width), stride_(stride), sums_(width + 2 * stride, 1), columns_(width + 2 * stride, 1) {}

  void clear() { std::fill_n(sums_.view().row(0), width_ + 2 * stride_, kNoCandidate); }

  // Offers reference column u, whose candidate 0 lies at secondary column `start`.
  void offer(int u, int start, const uint16_t* sums) {
    const Sums d;
    const ptrdiff_t at = std::clamp(start, -stride_, width_) + stride_;
    uint16_t* const best = sums_.view().row(0) + at;
    uint16_t* const columns = columns_.view().row(0) + at;
    const auto column = hn::Set(d, static_cast<uint16_t>(u));
    for (int k = 0; k < stride_; k += static_cast<int>(hn::Lanes(d))) {
      const auto now = hn::Load(d, sums + k), before = hn::LoadU(d, best + k);
      const auto better = hn::Lt(now, before);
      hn::StoreU(hn::Min(now, before), d, best + k);
      hn::StoreU(hn::IfThenElse(better, column, hn::LoadU(d, columns + k)), d, columns + k);
    }
  }

  bool has(int column) const {
    return column >= 0 && column < width_ && sums_.view().at(column + stride_, 0) != kNoCandidate;
  }
  int referenceOf(int column) const { return columns_.view().at(column + stride_, 0); }

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

 private:
  int width_, stride_;
  Image<uint16_t> sums_, columns_;  // one row each, with `stride_` columns on both sides
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

void selectDisparitySimd(const SgmInput& in, const CostVolume& volume, const DisparityOptions& options,
                         const DisparityViews& out) {
  const int width = volume.width(), height = volume.height(), count = volume.count();
  const int stride = volume.stride();
  RightView right(in.secCensus.width, stride);
  std::vector<Winner> winners(static_cast<size_t>(width));
  for (int v = 0; v < height; ++v) {
    right.clear();
    for (int u = 0; u < width; ++u) {
      if (in.refValidity.at(u, v) != 0) continue;
      winners[static_cast<size_t>(u)] = winnerOf(volume.at(u, v), stride);
      right.offer(u, u + in.low.at(u, v) + in.secOffset, volume.at(u, v));
    }
    for (int u = 0; u < width; ++u) {
      out.disparity.at(u, v) = std::numeric_limits<float>::quiet_NaN();
      out.confidence.at(u, v) = 0;
      out.validity.at(u, v) = in.refValidity.at(u, v);
      if (in.refValidity.at(u, v) != 0) continue;
      const uint16_t* sums = volume.at(u, v);
      Winner winner = winners[static_cast<size_t>(u)];
      if (winner.k < 0) {
        out.validity.at(u, v) = kOutsideSecondary;
        continue;
      }
      const int low = in.low.at(u, v);
      const auto disparityOf = [&](int k) { return static_cast<float>(low + k) + subPixel(sums, count, k); };
      uint16_t why = kValid;
      if (winner.sum == winner.rival) why |= kAmbiguous;
      if (options.leftRightPx >= 0 &&
          right.differenceAt(u, disparityOf(winner.k), in.secOffset) > options.leftRightPx) {
        const float limit = options.secondChance * static_cast<float>(winner.sum);
        const Winner agreed = agreedWinner(right, sums, count, stride, u, u + low + in.secOffset, limit);
        if (agreed.k >= 0) {
          winner = agreed;
        } else {
          why |= kLeftRight;
        }
      }
      if (winner.k == 0 || winner.k == count - 1) why |= kRangeEdge;
      out.validity.at(u, v) = why;
      if (why != kValid) continue;
      out.disparity.at(u, v) = disparityOf(winner.k);
      const float ratio = static_cast<float>(winner.sum) / std::max(1.0f, static_cast<float>(winner.rival));
      out.confidence.at(u, v) = std::max(kLeastConfidence, 1.0f - ratio);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(selectDisparitySimd);

void selectDisparity(const SgmInput& input, const CostVolume& volume, const DisparityOptions& options,
                     const DisparityViews& out) {
  HWY_DYNAMIC_DISPATCH(selectDisparitySimd)(input, volume, options, out);
}
}  // namespace altiplano
#endif
