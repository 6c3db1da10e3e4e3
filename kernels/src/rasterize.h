// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_RASTERIZE_H_
#define ALTIPLANO_KERNELS_RASTERIZE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "big_buffer.h"
#include "image.h"

namespace altiplano {

// n points: metres east and north of an origin, heights, weights (0 or NaN = leave out). NaN = no point.
struct PointArrays {
  const float* east;
  const float* north;
  const float* up;
  const float* weight;
  size_t n;
};

// Where the points' origin lies in the grid, metres east and south of its upper left corner, and the cell's side.
struct GridPlace {
  double eastM, southM;
  double resolution;
};

struct RasterizeOptions {
  double sigma = 0.5;  // of the Gaussian weight of a point's distance to the cell's centre, cells
  int radius = 1;      // a point counts in its own cell and so many around
  double stepM = 1.5;  // heights further apart than this belong to two surfaces
};

// All of one shape. height: NaN = none; spread: NaN where height is; weight: sum; count: points, at most 65535.
struct DsmViews {
  ImageView<float> height, weight, spread;
  ImageView<uint16_t> count;
};

// Heights of a grid's cells from points around them.
//
// One surface per cell. Where the heights around a cell differ by more than stepM, only the heaviest group of them
// counts: sorted heights with gaps of at most stepM and no more than 2 stepM in all. So a cell that straddles a roof's
// edge comes out as roof or as ground, whichever is nearer, and never in between.
//
// The height is that of the group's weighted least-squares plane at the cell's centre, held within the group's own
// heights: a weighted mean alone errs on slopes by slope times the distance of the points' centre of gravity from the
// cell's. spread is the weighted standard deviation about that plane, metres.
//
// No cell further than `radius` cells from every point gets a value. In single precision, relative to the cell: heights
// come out within a rounding (0.2 mm at 4,000 m) of the same in double, spreads within 1 mm. Depends on the order of the
// points only by rounding; the same order gives the same bits on every machine. radius <= 16.
// Source: moving least squares, Lancaster and Salkauskas, Math. Comp. 1981, of degree 1.
void rasterizeDsm(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                  const DsmViews& out);

// How many of a DSM's cells have a height.
size_t cellsWithPoints(ImageView<const uint16_t> count);

class PointRows;

// The grid's cells, and `radius` more on every side.
struct CellGrid {
  int width, height, radius;
  float east, south, perMetre;
  int columns() const { return width + 2 * radius; }
  int rows() const { return height + 2 * radius; }
};

// rasterizeDsm of points that come piece by piece; in whatever pieces, the same points in the same order give the same bits.
// Keeps at most `mostPoints`, 20 bytes each, in `memory`, which must be used for nothing else meanwhile: best one that was used before,
// so that the system need not clear it.
class Rasterizer {
 public:
  Rasterizer(const GridPlace& place, const RasterizeOptions& options, int width, int height, size_t mostPoints, BigBuffer& memory);
  ~Rasterizer();
  void add(const PointArrays& points);
  // out: of the width and height given.
  void finish(const DsmViews& out);

 private:
  RasterizeOptions options_;
  CellGrid grid_;
  std::unique_ptr<PointRows> rows_;
};

// The slow twin.
void rasterizeDsmReference(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                           const DsmViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RASTERIZE_H_
