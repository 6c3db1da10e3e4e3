// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_CONVEX_HULL_H_
#define ALTIPLANO_KERNELS_CONVEX_HULL_H_

#include <vector>

namespace altiplano {

struct PlanePoint {
  double x, y;
};

// The corners of the convex hull, counter-clockwise from the leftmost (of those the lowest). A point on a side is no corner, and a single point
// has none. Points that aren't finite are left out. Source: Andrew's monotone chain, Inf. Proc. Letters 9(5), 1979.
std::vector<PlanePoint> convexHull(std::vector<PlanePoint> points);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_CONVEX_HULL_H_
