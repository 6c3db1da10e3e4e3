// SPDX-License-Identifier: Apache-2.0
#include "disparity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "validity.h"

namespace altiplano {
namespace {

struct Winner {
  int k = -1;  // none
  uint16_t sum = kNoCandidate;
  uint16_t rival = kNoCandidate;  // smallest sum at least 2 px away
};

uint16_t rivalOf(const uint16_t* sums, int count, int k) {
  uint16_t rival = kNoCandidate;
  for (int i = 0; i < k - 1; ++i) rival = std::min(rival, sums[i]);
  for (int i = k + 2; i < count; ++i) rival = std::min(rival, sums[i]);
  return rival;
}

Winner winnerOf(const uint16_t* sums, int count) {
  uint16_t least = kNoCandidate;
  for (int k = 0; k < count; ++k) least = std::min(least, sums[k]);
  if (least == kNoCandidate) return {};
  const int k = static_cast<int>(std::find(sums, sums + count, least) - sums);
  return {k, least, rivalOf(sums, count, k)};
}

// What secondary pixels of a row prefer: the reference column of the smallest sum on each one's diagonal.
class RightView {
 public:
  explicit RightView(int width) : sums_(static_cast<size_t>(width)), columns_(static_cast<size_t>(width)) {}

  void clear() { std::fill(sums_.begin(), sums_.end(), kNoCandidate); }

  // Offers reference column u, whose candidate 0 lies at secondary column `start`.
  void offer(int u, int start, const uint16_t* sums, int count) {
    const int first = std::max(0, -start), last = std::min(count, width() - start);
    for (int k = first; k < last; ++k) {
      const size_t column = static_cast<size_t>(start + k);
      const bool better = sums[k] < sums_[column];
      sums_[column] = better ? sums[k] : sums_[column];
      columns_[column] = better ? u : columns_[column];
    }
  }

  int width() const { return static_cast<int>(sums_.size()); }
  bool has(int column) const {
    return column >= 0 && column < width() && sums_[static_cast<size_t>(column)] != kNoCandidate;
  }
  int referenceOf(int column) const { return columns_[static_cast<size_t>(column)]; }

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
  std::vector<uint16_t> sums_;
  std::vector<int> columns_;
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
Winner agreedWinner(const RightView& right, const uint16_t* sums, int count, int u, int start, float limit) {
  Winner winner;
  for (int k = 0; k < count; ++k) {
    if (sums[k] < winner.sum && right.has(start + k) && right.referenceOf(start + k) == u) winner = {k, sums[k], 0};
  }
  if (winner.k < 0 || static_cast<float>(winner.sum) > limit) return {};
  winner.rival = rivalOf(sums, count, winner.k);
  return winner;
}

}  // namespace

void selectDisparityReference(const SgmInput& in, const CostVolume& volume, const DisparityOptions& options,
                     const DisparityViews& out) {
  const int width = volume.width(), height = volume.height(), count = volume.count();
  RightView right(in.secCensus.width);
  std::vector<Winner> winners(static_cast<size_t>(width));
  for (int v = 0; v < height; ++v) {
    right.clear();
    for (int u = 0; u < width; ++u) {
      if (in.refValidity.at(u, v) != 0) continue;
      winners[static_cast<size_t>(u)] = winnerOf(volume.at(u, v), count);
      right.offer(u, u + in.low.at(u, v) + in.secOffset, volume.at(u, v), count);
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
        const Winner agreed = agreedWinner(right, sums, count, u, u + low + in.secOffset, limit);
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

}  // namespace altiplano
