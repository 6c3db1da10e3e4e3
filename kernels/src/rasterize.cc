// SPDX-License-Identifier: Apache-2.0
//
// Points are sorted by cell (one counting pass, one scattering pass), then cells are computed a vector at a time, row by
// row. For that, a row of cells is laid out in layers: layer k holds the k-th point of every cell, coordinate by coordinate,
// so that the points of neighbouring cells are neighbours in memory. 2 radius + 1 rows are kept:
//
//   sorted points      c0: a b   c1: d   c2:   c3: e f g
//   layer 0            a d - e        (-: height NaN)
//   layer 1            b - - f
//   layer 2            - - - g
#include "rasterize.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "rasterize_cell.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rasterize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ALTIPLANO_RASTERIZE_ONCE
#define ALTIPLANO_RASTERIZE_ONCE
namespace altiplano {

inline constexpr int kMostRadius = 16;

// Where the grid's cells lie among the sorted ones: there are `radius` more on every side.
struct CellGrid {
  int width, height, radius;
  float east, south, perMetre;
  int columns() const { return width + 2 * radius; }
  int rows() const { return height + 2 * radius; }
};

// Points by cell, row by row, in their own order within a cell; x and y are relative to the cell's centre.
// Points of cell c are points[start[c]] to points[start[c + 1]].
struct SortedPoints {
  std::vector<uint32_t> start;
  std::unique_ptr<CellPoint[]> points;
};

// Blocks of cells that share one number of layers; no vector is longer.
inline constexpr int kBlock = 16;
// Deeper blocks go cell by cell.
inline constexpr int kMostLayers = 32;

// One row of cells in layers.
struct LayeredRow {
  int stride = 0;                  // floats of one coordinate of one layer
  std::vector<float> planes;       // layer by layer: x, y, height, weight
  std::vector<int> depth;          // most points of a cell, by block of kBlock cells
  const float* layer(int k) const { return planes.data() + static_cast<size_t>(4) * k * stride; }
  float* layer(int k) { return planes.data() + static_cast<size_t>(4) * k * stride; }
};

}  // namespace altiplano
#endif  // ALTIPLANO_RASTERIZE_ONCE

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kBlock>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
constexpr D kD;
constexpr hn::RebindToSigned<D> kDi;

constexpr size_t kChunk = 512;
static_assert(kChunk % kBlock == 0);

// The cells of kChunk points, and where in them the points lie; -1: none.
struct Placed {
  alignas(64) int32_t cell[kChunk];
  alignas(64) float x[kChunk], y[kChunk];
};

HWY_INLINE M isFinite(V value) { return hn::Lt(hn::Abs(value), hn::Set(kD, std::numeric_limits<float>::infinity())); }

HWY_INLINE void placePoints(const PointArrays& in, const CellGrid& grid, Placed& out) {
  const V east = hn::Set(kD, grid.east), south = hn::Set(kD, grid.south), perMetre = hn::Set(kD, grid.perMetre);
  const V low = hn::Set(kD, static_cast<float>(-grid.radius)), half = hn::Set(kD, 0.5f);
  const V right = hn::Set(kD, static_cast<float>(grid.width + grid.radius));
  const V bottom = hn::Set(kD, static_cast<float>(grid.height + grid.radius));
  const auto radius = hn::Set(kDi, grid.radius), columns = hn::Set(kDi, grid.columns());
  for (size_t i = 0; i < kChunk; i += hn::Lanes(kD)) {
    const V x = hn::Mul(hn::Add(hn::LoadU(kD, in.east + i), east), perMetre);
    const V y = hn::Mul(hn::Sub(south, hn::LoadU(kD, in.north + i)), perMetre);
    const V weight = hn::LoadU(kD, in.weight + i);
    const M inX = hn::And(hn::Ge(x, low), hn::Lt(x, right)), inY = hn::And(hn::Ge(y, low), hn::Lt(y, bottom));
    const M known =
        hn::And(hn::And(hn::Gt(weight, hn::Zero(kD)), isFinite(weight)), isFinite(hn::LoadU(kD, in.up + i)));
    const M counts = hn::And(hn::And(inX, inY), known);
    const V column = hn::Floor(hn::IfThenElseZero(counts, x)), row = hn::Floor(hn::IfThenElseZero(counts, y));
    const auto cell = hn::Add(hn::Mul(hn::Add(hn::ConvertTo(kDi, row), radius), columns),
                              hn::Add(hn::ConvertTo(kDi, column), radius));
    hn::Store(hn::IfThenElse(hn::RebindMask(kDi, counts), cell, hn::Set(kDi, -1)), kDi, out.cell + i);
    hn::Store(hn::Sub(hn::Sub(x, column), half), kD, out.x + i);
    hn::Store(hn::Sub(hn::Sub(y, row), half), kD, out.y + i);
  }
}

// Calls use(placed, points) for kChunk points at a time; what fills up the last ones weighs nothing.
template <class Use>
void forChunks(const PointArrays& in, const CellGrid& grid, Use use) {
  Placed placed;
  size_t first = 0;
  for (; first + kChunk <= in.n; first += kChunk) {
    const PointArrays chunk{in.east + first, in.north + first, in.up + first, in.weight + first, kChunk};
    placePoints(chunk, grid, placed);
    use(placed, chunk);
  }
  if (first == in.n) return;
  float rest[4][kChunk] = {};
  const float* sources[4] = {in.east, in.north, in.up, in.weight};
  for (int k = 0; k < 4; ++k) std::copy_n(sources[k] + first, in.n - first, rest[k]);
  const PointArrays chunk{rest[0], rest[1], rest[2], rest[3], kChunk};
  placePoints(chunk, grid, placed);
  use(placed, chunk);
}

SortedPoints sortByCell(const PointArrays& in, const CellGrid& grid) {
  const size_t cells = static_cast<size_t>(grid.columns()) * grid.rows();
  SortedPoints sorted;
  // Points of cell c are counted at c + 2, so that c + 1 can run from their first place to their last while they are
  // put there, and ends as the start of cell c + 1.
  sorted.start.assign(cells + 2, 0);
  forChunks(in, grid, [&](const Placed& placed, const PointArrays&) {
    for (size_t i = 0; i < kChunk; ++i) {
      if (placed.cell[i] >= 0) ++sorted.start[static_cast<size_t>(placed.cell[i]) + 2];
    }
  });
  for (size_t cell = 2; cell < cells + 2; ++cell) sorted.start[cell] += sorted.start[cell - 1];
  sorted.points = std::make_unique_for_overwrite<CellPoint[]>(sorted.start[cells + 1]);
  forChunks(in, grid, [&](const Placed& placed, const PointArrays& from) {
    for (size_t i = 0; i < kChunk; ++i) {
      if (placed.cell[i] < 0) continue;
      sorted.points[sorted.start[static_cast<size_t>(placed.cell[i]) + 1]++] = {placed.x[i], placed.y[i], from.up[i],
                                                                                from.weight[i]};
    }
  });
  return sorted;
}

// `row` counts the sorted rows.
void layRow(const SortedPoints& sorted, const CellGrid& grid, int row, LayeredRow& out) {
  const uint32_t* start = sorted.start.data() + static_cast<size_t>(row) * grid.columns();
  std::fill(out.depth.begin(), out.depth.end(), 0);
  int deepest = 0;
  for (int i = 0; i < grid.columns(); ++i) {
    const int n = static_cast<int>(std::min<uint32_t>(start[i + 1] - start[i], kMostLayers + 1));
    out.depth[i / kBlock] = std::max(out.depth[i / kBlock], n);
    deepest = std::max(deepest, n);
  }
  deepest = std::min(deepest, kMostLayers);
  const size_t layerFloats = static_cast<size_t>(4) * out.stride;
  if (out.planes.size() < deepest * layerFloats) out.planes.resize(deepest * layerFloats);
  for (int k = 0; k < deepest; ++k) {
    float* height = out.layer(k) + 2 * out.stride;
    std::fill(height, height + out.stride, std::numeric_limits<float>::quiet_NaN());
  }
  for (int i = 0; i < grid.columns(); ++i) {
    const int n = static_cast<int>(std::min<uint32_t>(start[i + 1] - start[i], kMostLayers));
    for (int k = 0; k < n; ++k) {
      const CellPoint& p = sorted.points[start[i] + k];
      float* layer = out.layer(k) + i;
      layer[0] = p.x;
      layer[out.stride] = p.y;
      layer[2 * out.stride] = p.height;
      layer[3 * out.stride] = p.weight;
    }
  }
}

// What the vector of cells at `column` sees: of the rows around, the layers that hold something.
struct Window {
  int column, radius, deepest = 0;
  const LayeredRow* rows[2 * kMostRadius + 1];
  int depth[2 * kMostRadius + 1];
  // ring: row r of the sorted ones is ring[r % (2 radius + 1)].
  Window(const std::vector<LayeredRow>& ring, int firstRow, int column, int radius) : column(column), radius(radius) {
    for (int dy = 0; dy <= 2 * radius; ++dy) {
      rows[dy] = &ring[(firstRow + dy) % (2 * radius + 1)];
      const int* depths = rows[dy]->depth.data();
      depth[dy] = *std::max_element(depths + column / kBlock, depths + (column + kBlock - 1 + 2 * radius) / kBlock + 1);
      deepest = std::max(deepest, depth[dy]);
    }
  }
};

// Calls use(layer, stride, dx, dy) for every layer of the cells around, in the order of the points of each.
template <class Use>
HWY_INLINE void forLayers(const Window& window, Use use) {
  const int side = 2 * window.radius + 1;
  for (int dy = 0; dy < side; ++dy) {
    const LayeredRow& row = *window.rows[dy];
    for (int dx = 0; dx < side; ++dx) {
      for (int k = 0; k < window.depth[dy]; ++k) {
        use(row.layer(k) + window.column + dx, row.stride, dx - window.radius, dy - window.radius);
      }
    }
  }
}

// DistanceWeight, lane by lane.
HWY_INLINE V distanceWeight(V perSquare, V squared) {
  const hn::RebindToUnsigned<D> du;
  const V round = hn::Set(kD, kRound);
  const V power = hn::Max(hn::Mul(perSquare, squared), hn::Set(kD, kLeastPower));
  const V rounded = hn::Add(power, round);
  const V f = hn::Sub(power, hn::Sub(rounded, round));
  V series = hn::Set(kD, kPowers[3]);
  for (int k = 2; k >= 0; --k) series = hn::Add(hn::Mul(series, f), hn::Set(kD, kPowers[k]));
  return hn::BitCast(kD, hn::Add(hn::BitCast(du, series), hn::ShiftLeft<23>(hn::BitCast(du, rounded))));
}

// What is needed again and again.
struct Scratch {
  std::vector<float> heights, weights;  // a vector of each per layer
  std::vector<HeightSample> samples;
  std::vector<CellPoint> around;
};

// Where the heights differ by more than a step, sets low and high to those of the heaviest surface.
void separateSurfaces(const Window& window, V perSquare, float stepM, V& low, V& high, Scratch& scratch) {
  const size_t lanes = hn::Lanes(kD);
  scratch.heights.clear();
  scratch.weights.clear();
  forLayers(window, [&](const float* layer, int stride, int dx, int dy) HWY_ATTR {
    const V x = hn::Add(hn::LoadU(kD, layer), hn::Set(kD, static_cast<float>(dx)));
    const V y = hn::Add(hn::LoadU(kD, layer + stride), hn::Set(kD, static_cast<float>(dy)));
    const V squared = hn::Add(hn::Mul(x, x), hn::Mul(y, y));
    const size_t at = scratch.heights.size();
    scratch.heights.resize(at + lanes);
    scratch.weights.resize(at + lanes);
    hn::StoreU(hn::LoadU(kD, layer + 2 * stride), kD, scratch.heights.data() + at);
    hn::StoreU(hn::Mul(hn::LoadU(kD, layer + 3 * stride), distanceWeight(perSquare, squared)), kD,
               scratch.weights.data() + at);
  });
  alignas(64) float lows[kBlock], highs[kBlock];
  hn::Store(low, kD, lows);
  hn::Store(high, kD, highs);
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (!(highs[lane] - lows[lane] > stepM)) continue;
    scratch.samples.clear();
    for (size_t k = lane; k < scratch.heights.size(); k += lanes) {
      const float height = scratch.heights[k];
      if (height == height) scratch.samples.push_back({height, scratch.weights[k]});
    }
    const Surface surface = heaviestSurface(scratch.samples, stepM);
    lows[lane] = surface.low;
    highs[lane] = surface.high;
  }
  low = hn::Load(kD, lows);
  high = hn::Load(kD, highs);
}

struct Values {
  alignas(64) float height[kBlock], weight[kBlock], spread[kBlock];
  alignas(64) int32_t count[kBlock];
};

// cellOf, for a vector of cells.
void valuesOf(const Window& window, const DistanceWeight& weightOf, float stepM, Scratch& scratch, Values& out) {
  const V infinity = hn::Set(kD, std::numeric_limits<float>::infinity());
  V low = infinity, high = hn::Neg(infinity);
  forLayers(window, [&](const float* layer, int stride, int, int) HWY_ATTR {
    const V height = hn::LoadU(kD, layer + 2 * stride);
    low = hn::IfThenElse(hn::Lt(height, low), height, low);
    high = hn::IfThenElse(hn::Gt(height, high), height, high);
  });
  const V perSquare = hn::Set(kD, weightOf.perSquare);
  if (!hn::AllFalse(kD, hn::Gt(hn::Sub(high, low), hn::Set(kD, stepM)))) {
    separateSurfaces(window, perSquare, stepM, low, high, scratch);
  }
  const V middle = hn::Mul(hn::Add(low, high), hn::Set(kD, 0.5f));
  const V zero = hn::Zero(kD), one = hn::Set(kD, 1);
  V w = zero, x = zero, y = zero, h = zero, xx = zero, xy = zero, yy = zero, xh = zero, yh = zero, hh = zero, n = zero;
  forLayers(window, [&](const float* layer, int stride, int dx, int dy) HWY_ATTR {
    const V up = hn::LoadU(kD, layer + 2 * stride);
    const M counts = hn::And(hn::Ge(up, low), hn::Le(up, high));  // false for NaN
    const V px = hn::Add(hn::LoadU(kD, layer), hn::Set(kD, static_cast<float>(dx)));
    const V py = hn::Add(hn::LoadU(kD, layer + stride), hn::Set(kD, static_cast<float>(dy)));
    const V squared = hn::Add(hn::Mul(px, px), hn::Mul(py, py));
    const V weight = hn::IfThenElseZero(
        counts, hn::Mul(hn::LoadU(kD, layer + 3 * stride), distanceWeight(perSquare, squared)));
    const V height = hn::IfThenElseZero(counts, hn::Sub(up, middle));
    const V wx = hn::Mul(weight, px), wy = hn::Mul(weight, py), wh = hn::Mul(weight, height);
    w = hn::Add(w, weight), x = hn::Add(x, wx), y = hn::Add(y, wy), h = hn::Add(h, wh);
    xx = hn::Add(xx, hn::Mul(wx, px)), xy = hn::Add(xy, hn::Mul(wx, py)), yy = hn::Add(yy, hn::Mul(wy, py));
    xh = hn::Add(xh, hn::Mul(wx, height)), yh = hn::Add(yh, hn::Mul(wy, height));
    hh = hn::Add(hh, hn::Mul(wh, height));
    n = hn::Add(n, hn::IfThenElseZero(counts, one));
  });
  const V ridge = hn::Set(kD, kRidge), per = hn::Div(one, w);
  x = hn::Mul(x, per), y = hn::Mul(y, per), h = hn::Mul(h, per);
  const auto moment = [&](V sum, V a, V b) HWY_ATTR { return hn::Sub(hn::Mul(sum, per), hn::Mul(a, b)); };
  xx = hn::Add(moment(xx, x, x), ridge), yy = hn::Add(moment(yy, y, y), ridge), xy = moment(xy, x, y);
  xh = moment(xh, x, h), yh = moment(yh, y, h), hh = moment(hh, h, h);
  const V determinant = hn::Sub(hn::Mul(xx, yy), hn::Mul(xy, xy));
  const V byX = hn::Div(hn::Sub(hn::Mul(xh, yy), hn::Mul(yh, xy)), determinant);
  const V byY = hn::Div(hn::Sub(hn::Mul(yh, xx), hn::Mul(xh, xy)), determinant);
  const V height = hn::Add(middle, hn::Sub(hn::Sub(h, hn::Mul(byX, x)), hn::Mul(byY, y)));
  const V variance = hn::Max(hn::Sub(hn::Sub(hh, hn::Mul(byX, xh)), hn::Mul(byY, yh)), zero);
  const M some = hn::Gt(w, hn::Set(kD, kLeastWeight));
  const V none = hn::Set(kD, std::numeric_limits<float>::quiet_NaN());
  hn::Store(hn::IfThenElse(some, hn::Min(hn::Max(height, low), high), none), kD, out.height);
  hn::Store(hn::IfThenElseZero(some, w), kD, out.weight);
  hn::Store(hn::IfThenElse(some, hn::Sqrt(variance), none), kD, out.spread);
  hn::Store(hn::ConvertTo(kDi, hn::IfThenElseZero(some, n)), kDi, out.count);
}

// The same for one cell with many points around; `row` counts the grid's rows.
CellValue valueOf(const SortedPoints& sorted, const CellGrid& grid, int i, int row, const DistanceWeight& weightOf,
                  float stepM, std::vector<CellPoint>& around) {
  around.clear();
  for (int dy = 0; dy <= 2 * grid.radius; ++dy) {
    for (int dx = 0; dx <= 2 * grid.radius; ++dx) {
      const size_t cell = static_cast<size_t>(row + dy) * grid.columns() + i + dx;
      for (uint32_t k = sorted.start[cell]; k < sorted.start[cell + 1]; ++k) {
        around.push_back(sorted.points[k]);
        around.back().x += static_cast<float>(dx - grid.radius);
        around.back().y += static_cast<float>(dy - grid.radius);
      }
    }
  }
  return cellOf(around, weightOf, stepM);
}

void rasterize(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
               const DsmViews& out) {
  const CellGrid grid{out.height.width, out.height.height, options.radius, static_cast<float>(place.eastM),
                      static_cast<float>(place.southM), static_cast<float>(1 / place.resolution)};
  const SortedPoints sorted = sortByCell(points, grid);
  const DistanceWeight weightOf(options.sigma);
  const float stepM = static_cast<float>(options.stepM);
  const int around = 2 * grid.radius + 1, lanes = static_cast<int>(hn::Lanes(kD));
  std::vector<LayeredRow> ring(around);
  const int blocks = (grid.columns() + 2 * kBlock + around) / kBlock;
  for (LayeredRow& row : ring) {
    row.stride = blocks * kBlock;
    row.depth.resize(blocks);
  }
  Scratch scratch;
  Values values;
  for (int row = 0; row < 2 * grid.radius; ++row) layRow(sorted, grid, row, ring[row]);
  for (int j = 0; j < grid.height; ++j) {
    layRow(sorted, grid, j + 2 * grid.radius, ring[(j + 2 * grid.radius) % around]);
    for (int i = 0; i < grid.width; i += lanes) {
      const int n = std::min(lanes, grid.width - i);
      const Window window(ring, j, i, grid.radius);
      if (window.deepest <= kMostLayers) {
        valuesOf(window, weightOf, stepM, scratch, values);
      } else {
        for (int lane = 0; lane < n; ++lane) {
          const CellValue value = valueOf(sorted, grid, i + lane, j, weightOf, stepM, scratch.around);
          values.height[lane] = value.height;
          values.weight[lane] = value.weight;
          values.spread[lane] = value.spread;
          values.count[lane] = value.count;
        }
      }
      std::memcpy(out.height.row(j) + i, values.height, n * sizeof(float));
      std::memcpy(out.weight.row(j) + i, values.weight, n * sizeof(float));
      std::memcpy(out.spread.row(j) + i, values.spread, n * sizeof(float));
      for (int lane = 0; lane < n; ++lane) out.count.at(i + lane, j) = static_cast<uint16_t>(values.count[lane]);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(rasterize);

void rasterizeDsm(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                  const DsmViews& out) {
  HWY_DYNAMIC_DISPATCH(rasterize)(points, place, options, out);
}

}  // namespace altiplano
#endif  // HWY_ONCE
