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
  int k;
  uint16_t best;
  uint16_t second;  // smallest sum at least 2 px away
};

Winner winnerOf(const uint16_t* sums, int count) {
  Winner w{0, kNoCandidate, kNoCandidate};
  for (int k = 0; k < count; ++k) {
    if (sums[k] < w.best) w = {k, sums[k], kNoCandidate};
  }
  for (int k = 0; k < count; ++k) {
    if (k < w.k - 1 || k > w.k + 1) w.second = std::min(w.second, sums[k]);
  }
  return w;
}

// The minimum of the parabola through three neighbouring sums, relative to the middle one, in (-0.5, 0.5).
float subPixel(uint16_t left, uint16_t middle, uint16_t right) {
  if (left == kNoCandidate || right == kNoCandidate) return 0;
  const float curvature = static_cast<float>(left) - 2.0f * static_cast<float>(middle) + static_cast<float>(right);
  if (!(curvature > 0)) return 0;
  return 0.5f * (static_cast<float>(left) - static_cast<float>(right)) / curvature;
}

}  // namespace

void selectDisparity(const SgmInput& in, const CostVolume& volume, const DisparityOptions& options,
                     const DisparityViews& out) {
  const int width = volume.width(), height = volume.height(), count = volume.count();
  const int secWidth = in.secCensus.width;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<uint16_t> secBest(static_cast<size_t>(secWidth));
  std::vector<int> secWinner(static_cast<size_t>(secWidth));  // reference column that suits a secondary column best
  std::vector<Winner> winners(static_cast<size_t>(width));
  for (int v = 0; v < height; ++v) {
    std::fill(secBest.begin(), secBest.end(), kNoCandidate);
    for (int u = 0; u < width; ++u) {
      const uint16_t* sums = volume.at(u, v);
      winners[static_cast<size_t>(u)] = winnerOf(sums, count);
      if (in.refValidity.at(u, v) != 0) continue;
      const int start = u + in.low.at(u, v) + in.secOffset;
      const int first = std::max(0, -start), last = std::min(count, secWidth - start);
      for (int k = first; k < last; ++k) {
        const size_t column = static_cast<size_t>(start + k);
        if (sums[k] < secBest[column]) {
          secBest[column] = sums[k];
          secWinner[column] = u;
        }
      }
    }
    for (int u = 0; u < width; ++u) {
      const Winner& w = winners[static_cast<size_t>(u)];
      const uint16_t* sums = volume.at(u, v);
      uint16_t why = in.refValidity.at(u, v);
      float disparity = 0, confidence = 0;
      if (why == 0 && w.best == kNoCandidate) why = kOutsideSecondary;
      if (why == 0) {
        const int d = in.low.at(u, v) + w.k;
        disparity = static_cast<float>(d);
        if (w.k == 0 || w.k == count - 1) {
          why |= kRangeEdge;
        } else {
          disparity += subPixel(sums[w.k - 1], w.best, sums[w.k + 1]);
        }
        if (w.second > 0) confidence = 1.0f - static_cast<float>(w.best) / static_cast<float>(w.second);
        if (confidence <= options.minConfidence) why |= kAmbiguous;
        if (options.leftRightPx >= 0) {
          const int back = secWinner[static_cast<size_t>(u + d + in.secOffset)];
          if (static_cast<float>(std::abs(back - u)) > options.leftRightPx) why |= kLeftRight;
        }
      }
      out.validity.at(u, v) = why;
      out.disparity.at(u, v) = why == 0 ? disparity : nan;
      out.confidence.at(u, v) = why == 0 ? confidence : 0;
    }
  }
}

}  // namespace altiplano
