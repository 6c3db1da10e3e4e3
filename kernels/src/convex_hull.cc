// SPDX-License-Identifier: Apache-2.0
#include "convex_hull.h"

#include <algorithm>
#include <cmath>

namespace altiplano {
namespace {

// Adds one side's chain, without its last point, which the other side begins with.
template <typename Iterator>
void addChain(Iterator from, Iterator to, std::vector<PlanePoint>& hull) {
  const size_t start = hull.size();
  for (; from != to; ++from) {
    while (hull.size() >= start + 2) {
      const PlanePoint a = hull[hull.size() - 2], b = hull.back();
      if ((b.x - a.x) * (from->y - a.y) - (b.y - a.y) * (from->x - a.x) > 0) break;
      hull.pop_back();
    }
    hull.push_back(*from);
  }
  if (hull.size() > start) hull.pop_back();
}

}  // namespace

std::vector<PlanePoint> convexHull(std::vector<PlanePoint> points) {
  std::erase_if(points, [](const PlanePoint& p) { return !std::isfinite(p.x) || !std::isfinite(p.y); });
  std::sort(points.begin(), points.end(), [](const PlanePoint& a, const PlanePoint& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  std::vector<PlanePoint> hull;
  addChain(points.begin(), points.end(), hull);
  addChain(points.rbegin(), points.rend(), hull);
  return hull;
}

}  // namespace altiplano
