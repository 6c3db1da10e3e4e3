// SPDX-License-Identifier: Apache-2.0
#include "disparity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "validity.h"

namespace altiplano {
namespace {

// One row of the sums, asked one candidate at a time.
struct Sums {
  const SgmInput& in;
  int v;
  const uint16_t* data;

  int low(int u) const { return in.low.at(u, v); }
  // Of reference pixel u at disparity d.
  int at(int u, int d) const {
    const int k = d - low(u);
    if (in.refValidity.at(u, v) != 0 || k < 0 || k >= in.countOf(v)) return kNoCandidate;
    return data[static_cast<size_t>(u) * static_cast<size_t>(sgmStride(in.countOf(v))) + static_cast<size_t>(k)];
  }
  bool has(int u, int d) const { return at(u, d) != kNoCandidate; }

  // The reference pixel that secondary column x prefers; -1: none.
  int referenceOf(int x) const {
    int best = -1, least = kNoCandidate;
    if (x < 0 || x >= in.secCensus.width) return best;
    for (int u = 0; u < in.width(); ++u) {
      const int sum = at(u, x - in.secOffset - u);
      if (sum < least) best = u, least = sum;
    }
    return best;
  }
  // The smallest sum of a candidate 2 px or more from d.
  int rivalOf(int u, int d) const {
    int rival = kNoCandidate;
    for (int k = 0; k < in.countOf(v); ++k) {
      if (std::abs(low(u) + k - d) >= 2) rival = std::min(rival, at(u, low(u) + k));
    }
    return rival;
  }
  // d moved to the minimum of the parabola through its sum and its neighbours'.
  float subPixel(int u, int d) const {
    const float whole = static_cast<float>(d);
    if (!has(u, d - 1) || !has(u, d + 1)) return whole;
    const int left = at(u, d - 1), right = at(u, d + 1), curvature = left - 2 * at(u, d) + right;
    if (curvature <= 0) return whole;
    return whole + std::clamp(0.5f * static_cast<float>(left - right) / static_cast<float>(curvature), -0.5f, 0.5f);
  }
  // How far the right view's disparities around a match at (u, d) are from d.
  float disagreement(int u, float d) const {
    float least = std::numeric_limits<float>::infinity();
    for (const float whole : {std::floor(d), std::ceil(d)}) {
      const int x = u + static_cast<int>(whole) + in.secOffset, other = referenceOf(x);
      if (other >= 0) least = std::min(least, std::fabs(static_cast<float>(x - in.secOffset - other) - d));
    }
    return least;
  }
};

}  // namespace

void selectDisparityReference(const SgmInput& in, int v, const uint16_t* data, const DisparityOptions& options,
                              const DisparityViews& out) {
  const Sums sums{in, v, data};
  for (int u = 0; u < in.width(); ++u) {
    out.disparity.at(u, v) = std::numeric_limits<float>::quiet_NaN();
    out.confidence.at(u, v) = 0;
    out.validity.at(u, v) = in.refValidity.at(u, v);
    if (in.refValidity.at(u, v) != 0) continue;

    const int low = sums.low(u), high = low + in.countOf(v) - 1;
    int best = low;
    for (int d = low; d <= high; ++d) {
      if (sums.at(u, d) < sums.at(u, best)) best = d;
    }
    if (!sums.has(u, best)) {
      out.validity.at(u, v) = kOutsideSecondary;
      continue;
    }
    const int least = sums.at(u, best);
    uint16_t why = least == sums.rivalOf(u, best) ? kAmbiguous : kValid;
    int chosen = best;
    if (options.leftRightPx >= 0 && sums.disagreement(u, sums.subPixel(u, best)) > options.leftRightPx) {
      int agreed = high + 1;  // none
      for (int d = low; d <= high; ++d) {
        const bool better = sums.has(u, d) && (agreed > high || sums.at(u, d) < sums.at(u, agreed));
        if (better && sums.referenceOf(u + d + in.secOffset) == u) agreed = d;
      }
      const float limit = options.secondChance * static_cast<float>(least);
      if (agreed <= high && static_cast<float>(sums.at(u, agreed)) <= limit) {
        chosen = agreed;
      } else {
        why |= kLeftRight;
      }
    }
    if (chosen == low || chosen == high) why |= kRangeEdge;
    out.validity.at(u, v) = why;
    if (why != kValid) continue;
    out.disparity.at(u, v) = sums.subPixel(u, chosen);
    const float rival = static_cast<float>(std::max(1, sums.rivalOf(u, chosen)));
    out.confidence.at(u, v) = std::max(kLeastConfidence, 1.0f - static_cast<float>(sums.at(u, chosen)) / rival);
  }
}

}  // namespace altiplano
