// SPDX-License-Identifier: Apache-2.0
#include "prior_ranges.h"

#include <algorithm>
#include <cmath>

namespace altiplano {
namespace {

// A point of the ground as the blocks see it: pixels from the first pixel's centre, disparity.
struct RectPoint {
  double u, v, d;
};

// Widens the blocks that a cell's segment touches, in pieces no longer than a block, so that tall ranges don't smear over all they cross.
void includeSegment(const RectPoint& low, const RectPoint& high, double reach, RangeBlocks& blocks) {
  const double lengthU = std::abs(high.u - low.u), lengthV = std::abs(high.v - low.v), perSide = 1.0 / blocks.side;
  const auto block = [&](double position, int count) {
    return static_cast<int>(std::clamp((position + 0.5) * perSide, 0.0, count - 1.0));
  };
  const auto along = [](double a, double b, double t) { return a + (b - a) * t; };
  const double longest = std::max(lengthU, lengthV) / blocks.side;
  if (!(longest <= kMostPieces)) return;
  const int pieces = std::max(1, static_cast<int>(std::ceil(longest)));
  const double halfU = reach + lengthU / pieces / 2, halfV = reach + lengthV / pieces / 2;
  for (int piece = 0; piece < pieces; ++piece) {
    const double from = static_cast<double>(piece) / pieces, to = (piece + 1.0) / pieces, middle = (from + to) / 2;
    const double u = along(low.u, high.u, middle), v = along(low.v, high.v, middle);
    if (!(u + halfU >= 0 && v + halfV >= 0 && u - halfU < blocks.side * blocks.width && v - halfV < blocks.side * blocks.height)) continue;
    const double dFrom = along(low.d, high.d, from), dTo = along(low.d, high.d, to);
    const DisparityRange range{static_cast<float>(std::min(dFrom, dTo)), static_cast<float>(std::max(dFrom, dTo))};
    const int x0 = block(u - halfU, blocks.width), x1 = block(u + halfU, blocks.width);
    const int y0 = block(v - halfV, blocks.height), y1 = block(v + halfV, blocks.height);
    for (int y = y0; y <= y1; ++y) {
      for (int x = x0; x <= x1; ++x) blocks.at(x, y).include(range);
    }
  }
}

}  // namespace

void includePriorReference(const Poly3& rectFromGround, const HeightPrior& prior, const BlocksPlace& place, RangeBlocks& blocks) {
  const Poly3& p = rectFromGround;
  for (int j = 0; j < prior.low.height; ++j) {
    const double n = prior.originN - (j + 0.5) * prior.resolution;
    if (std::abs(n - p.off[1]) > kPriorDomain * p.scale[1]) continue;
    for (int i = 0; i < prior.low.width; ++i) {
      const float lowM = prior.low.at(i, j), highM = prior.high.at(i, j);
      if (!(lowM <= highM)) continue;
      const double e = prior.originE + (i + 0.5) * prior.resolution;
      if (std::abs(e - p.off[0]) > kPriorDomain * p.scale[0]) continue;
      const auto seen = [&](double h) {
        const double ground[3] = {e, n, h};
        double rect[3];
        evaluatePoly3(p, ground, 1, rect);
        return RectPoint{rect[0] - place.u0, rect[1] - place.v0, rect[2]};
      };
      includeSegment(seen(lowM), seen(highM), cellReach(prior, place.pixelM), blocks);
    }
  }
}

}  // namespace altiplano
