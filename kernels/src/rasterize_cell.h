// SPDX-License-Identifier: Apache-2.0
// One cell of rasterizeDsm, point by point: what the slow twin is made of, and what the fast kernel leaves to it.
#ifndef ALTIPLANO_KERNELS_RASTERIZE_CELL_H_
#define ALTIPLANO_KERNELS_RASTERIZE_CELL_H_

#include <cstdint>
#include <vector>

#include "rasterize.h"

namespace altiplano {

// A point as a cell sees it: offset from the cell's centre in cells, height, weight.
struct CellPoint {
  float x, y, height, weight;
};

// Lowest and highest of the heights that belong to one surface.
struct Surface {
  float low, high;
};

struct CellValue {
  float height, weight, spread;
  uint16_t count;
};

// A sum of weights below this is no basis for a height: all points vanish with the distance.
inline constexpr float kLeastWeight = 1e-15f;
// Added to the points' variance along each axis, cells squared: keeps the plane of few or aligned points level.
inline constexpr float kRidge = 0.02f;

// Gaussian of a distance in cells, to 1e-4 of itself: exp(-s / (2 sigma^2)) = 2^(perSquare s), by a polynomial within half
// a power of two. Only additions, multiplications and bit moves, which are the same on every machine.
struct DistanceWeight {
  float perSquare;
  explicit DistanceWeight(double sigma);
  float operator()(float squared) const;
};
inline constexpr float kLeastPower = -80;
// Adding it rounds to whole numbers, which then are the lowest bits.
inline constexpr float kRound = 12582912;  // 1.5 * 2^23
// 2^f for f in [-0.5, 0.5], the least relative error of degree 3.
inline constexpr float kPowers[] = {0.99992807f, 0.69326099f, 0.24261114f, 0.05517166f};

// A height with its weight at a cell.
struct HeightSample {
  float height, weight;
};
// By weight, too, so that the order of points of one height does not matter.
void sortByHeight(std::vector<HeightSample>& samples);
// The heaviest group of heights: with gaps of at most stepM and no more than 2 stepM in all; of equal ones the lowest.
// samples: sorted, at least one.
Surface heaviestSurface(const std::vector<HeightSample>& samples, float stepM);

// What a cell makes of the points around it, in their order.
CellValue cellOf(const std::vector<CellPoint>& points, const DistanceWeight& distanceWeight, float stepM);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RASTERIZE_CELL_H_
