// SPDX-License-Identifier: Apache-2.0
//
// Points go to their row of cells as they come (point_rows.h). Then cells are computed a vector at a time, row by row, from rows
// of points in layers (rasterize_layers.h).
#include "rasterize.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "point_rows.h"
#include "rasterize_cell.h"
#include "rasterize_layers.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rasterize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rasterize_layers_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kChunk = 512;
static_assert(kChunk % kMostLanes == 0);

// Points as their cells see them, and where those cells are among the rows and columns of the grid with `radius` more on
// every side; row -1: in none.
struct Placed {
  alignas(64) int32_t row[kChunk], column[kChunk];
  alignas(64) CellPoint points[kChunk];
};

HWY_INLINE M isFinite(V value) { return hn::Lt(hn::Abs(value), hn::Set(kD, std::numeric_limits<float>::infinity())); }

// in.n: whole vectors, at most kChunk.
HWY_INLINE void placeChunk(const PointArrays& in, const CellGrid& grid, Placed& out) {
  const V east = hn::Set(kD, grid.east), south = hn::Set(kD, grid.south), perMetre = hn::Set(kD, grid.perMetre);
  const V low = hn::Set(kD, static_cast<float>(-grid.radius)), half = hn::Set(kD, 0.5f);
  const V right = hn::Set(kD, static_cast<float>(grid.width + grid.radius));
  const V bottom = hn::Set(kD, static_cast<float>(grid.height + grid.radius));
  const auto radius = hn::Set(kDi, grid.radius);
  for (size_t i = 0; i < in.n; i += hn::Lanes(kD)) {
    const V x = hn::Mul(hn::Add(hn::LoadU(kD, in.east + i), east), perMetre);
    const V y = hn::Mul(hn::Sub(south, hn::LoadU(kD, in.north + i)), perMetre);
    const V up = hn::LoadU(kD, in.up + i), weight = hn::LoadU(kD, in.weight + i);
    const M inX = hn::And(hn::Ge(x, low), hn::Lt(x, right)), inY = hn::And(hn::Ge(y, low), hn::Lt(y, bottom));
    const M known = hn::And(hn::And(hn::Gt(weight, hn::Zero(kD)), isFinite(weight)), isFinite(up));
    const M counts = hn::And(hn::And(inX, inY), known);
    const V column = hn::Floor(hn::IfThenElseZero(counts, x)), row = hn::Floor(hn::IfThenElseZero(counts, y));
    const auto rows = hn::Add(hn::ConvertTo(kDi, row), radius);
    hn::Store(hn::IfThenElse(hn::RebindMask(kDi, counts), rows, hn::Set(kDi, -1)), kDi, out.row + i);
    hn::Store(hn::Add(hn::ConvertTo(kDi, column), radius), kDi, out.column + i);
    hn::StoreInterleaved4(hn::Sub(hn::Sub(x, column), half), hn::Sub(hn::Sub(y, row), half), up, weight, kD,
                          &out.points[i].x);
  }
}

void placePoints(const PointArrays& in, const CellGrid& grid, PointRows& rows) {
  Placed placed;
  const auto place = [&](const PointArrays& points) HWY_ATTR {
    placeChunk(points, grid, placed);
    for (size_t i = 0; i < points.n; ++i) {
      if (placed.row[i] >= 0) rows.add(placed.row[i], placed.column[i], placed.points[i]);
    }
  };
  const size_t whole = in.n - in.n % kMostLanes;
  for (size_t first = 0; first < whole; first += kChunk) {
    place({in.east + first, in.north + first, in.up + first, in.weight + first, std::min(kChunk, whole - first)});
  }
  if (whole == in.n) return;
  float rest[4][kMostLanes] = {};  // what fills up the last vector weighs nothing
  const float* sources[4] = {in.east, in.north, in.up, in.weight};
  for (int k = 0; k < 4; ++k) std::copy_n(sources[k] + whole, in.n - whole, rest[k]);
  place({rest[0], rest[1], rest[2], rest[3], kMostLanes});
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
  std::vector<float> heights, weights;  // a vector of each per layer of the cells around
  std::vector<float> cellHeights, cellWeights;  // of one of the cells
  std::vector<HeightSample> samples;
  std::vector<CellPoint> around;
};

// One cell's samples of those of a vector of cells, in order of their heights: each goes to the place that the number of lower ones says.
void sortSamples(const float* heights, const float* weights, size_t layers, Scratch& scratch) {
  const int lanes = static_cast<int>(hn::Lanes(kD));
  const size_t room = layers + hn::Lanes(kD);
  if (scratch.cellHeights.size() < room) scratch.cellHeights.resize(room), scratch.cellWeights.resize(room);
  float *cellHeights = scratch.cellHeights.data(), *cellWeights = scratch.cellWeights.data();
  const auto places = hn::Mul(hn::Iota(kDi, 0), hn::Set(kDi, lanes));
  size_t n = 0;
  for (size_t k = 0; k < layers; k += hn::Lanes(kD)) {
    const V height = hn::GatherIndex(kD, heights + k * hn::Lanes(kD), places), weight = hn::GatherIndex(kD, weights + k * hn::Lanes(kD), places);
    const M is = hn::Eq(height, height);
    // Not CompressStore, which is slow where it writes to memory itself.
    hn::StoreU(hn::Compress(weight, is), kD, cellWeights + n);
    hn::StoreU(hn::Compress(height, is), kD, cellHeights + n);
    n += hn::CountTrue(kD, is);
  }
  scratch.samples.resize(n);
  int32_t ranks[kMostLanes], equals = 0;
  for (size_t i = 0; i < n; i += hn::Lanes(kD)) {
    const V height = hn::LoadU(kD, cellHeights + i), weight = hn::LoadU(kD, cellWeights + i);
    auto rank = hn::Zero(kDi), equal = hn::Zero(kDi);
    const auto one = hn::Set(kDi, 1);
    for (size_t j = 0; j < n; ++j) {
      const V otherHeight = hn::Set(kD, cellHeights[j]), otherWeight = hn::Set(kD, cellWeights[j]);
      const M level = hn::Eq(otherHeight, height);
      const M before = hn::Or(hn::Lt(otherHeight, height), hn::And(level, hn::Lt(otherWeight, weight)));
      const M same = hn::And(level, hn::Eq(otherWeight, weight));
      rank = hn::IfThenElse(hn::RebindMask(kDi, before), hn::Add(rank, one), rank);
      equal = hn::IfThenElse(hn::RebindMask(kDi, same), hn::Add(equal, one), equal);
    }
    hn::StoreU(rank, kDi, ranks);
    const size_t here = std::min(n - i, hn::Lanes(kD));
    for (size_t lane = 0; lane < here; ++lane) scratch.samples[static_cast<size_t>(ranks[lane])] = {cellHeights[i + lane], cellWeights[i + lane]};
    hn::StoreU(equal, kDi, ranks);
    for (size_t lane = 0; lane < here; ++lane) equals += ranks[lane];
  }
  if (static_cast<size_t>(equals) == n) return;
  // Samples that are the same went to one place.
  for (size_t i = 0; i < n; ++i) scratch.samples[i] = {cellHeights[i], cellWeights[i]};
  sortByHeight(scratch.samples);
}

// Where the heights differ by more than a step, sets low and high to those of the heaviest surface.
void separateSurfaces(const Window& window, V perSquare, float stepM, V& low, V& high, Scratch& scratch) {
  const size_t lanes = hn::Lanes(kD);
  // Whole vectors of layers are read.
  const size_t side = static_cast<size_t>(2 * window.radius + 1), most = (side * side * window.deepest + lanes) * lanes;
  if (scratch.heights.size() < most) scratch.heights.resize(most), scratch.weights.resize(most);
  size_t used = 0;
  forLayers(window, [&](const float* layer, int stride, int dx, int dy) HWY_ATTR {
    const V x = hn::Add(hn::LoadU(kD, layer), hn::Set(kD, static_cast<float>(dx)));
    const V y = hn::Add(hn::LoadU(kD, layer + stride), hn::Set(kD, static_cast<float>(dy)));
    const V squared = hn::Add(hn::Mul(x, x), hn::Mul(y, y));
    hn::StoreU(hn::LoadU(kD, layer + 2 * stride), kD, scratch.heights.data() + used);
    hn::StoreU(hn::Mul(hn::LoadU(kD, layer + 3 * stride), distanceWeight(perSquare, squared)), kD,
               scratch.weights.data() + used);
    used += lanes;
  });
  const V none = hn::Set(kD, std::numeric_limits<float>::quiet_NaN());
  for (size_t k = 0; k < lanes; ++k) hn::StoreU(none, kD, scratch.heights.data() + used + k * lanes);
  alignas(64) float lows[kMostLanes], highs[kMostLanes];
  hn::Store(low, kD, lows);
  hn::Store(high, kD, highs);
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (!(highs[lane] - lows[lane] > stepM)) continue;
    sortSamples(scratch.heights.data() + lane, scratch.weights.data() + lane, used / lanes, scratch);
    const Surface surface = heaviestSurface(scratch.samples, stepM);
    lows[lane] = surface.low;
    highs[lane] = surface.high;
  }
  low = hn::Load(kD, lows);
  high = hn::Load(kD, highs);
}

struct Values {
  alignas(64) float height[kMostLanes], weight[kMostLanes], spread[kMostLanes];
  alignas(64) int32_t count[kMostLanes];
};

// cellOf, for a vector of cells.
void valuesOf(const Window& window, const DistanceWeight& weightOf, float stepM, Scratch& scratch, Values& out) {
  const V infinity = hn::Set(kD, std::numeric_limits<float>::infinity());
  V low = infinity, high = hn::Neg(infinity);
  for (int dy = 0; dy <= 2 * window.radius; ++dy) {
    for (int dx = 0; dx <= 2 * window.radius; ++dx) {
      low = hn::Min(low, hn::LoadU(kD, &window.rows[dy]->low[static_cast<size_t>(window.column + dx)]));
      high = hn::Max(high, hn::LoadU(kD, &window.rows[dy]->high[static_cast<size_t>(window.column + dx)]));
    }
  }
  const V perSquare = hn::Set(kD, weightOf.perSquare);
  if (!hn::AllFalse(kD, hn::Gt(hn::Sub(high, low), hn::Set(kD, stepM)))) {
    separateSurfaces(window, perSquare, stepM, low, high, scratch);
  }
  const V middle = hn::Mul(hn::Add(low, high), hn::Set(kD, 0.5f));
  const V zero = hn::Zero(kD), one = hn::Set(kD, 1);
  V w = zero, x = zero, y = zero, h = zero, xx = zero, xy = zero, yy = zero, xh = zero, yh = zero, hh = zero;
  auto n = hn::Zero(kDi);
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
    n = hn::IfThenElse(hn::RebindMask(kDi, counts), hn::Add(n, hn::Set(kDi, 1)), n);
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
  hn::Store(hn::IfThenElseZero(hn::RebindMask(kDi, some), n), kDi, out.count);
}

// The first n of a vector's cells, to columns i, i + 1, ... of row j.
void storeCells(const Values& values, int n, int i, int j, const DsmViews& out) {
  const hn::Rebind<uint16_t, D> du16;
  alignas(64) uint16_t counts[kMostLanes];
  hn::Store(hn::DemoteTo(du16, hn::Load(kDi, values.count)), du16, counts);
  const auto store = [&](const auto* from, auto* to) HWY_ATTR {
    // A whole vector's size is known here, so that nothing is called to copy it.
    if (n == static_cast<int>(hn::Lanes(kD))) std::copy_n(from, hn::Lanes(kD), to);
    else std::copy_n(from, n, to);
  };
  store(values.height, out.height.row(j) + i);
  store(values.weight, out.weight.row(j) + i);
  store(values.spread, out.spread.row(j) + i);
  store(counts, out.count.row(j) + i);
}

// The same for one cell, `lane` of the window, with many points around.
CellValue valueOf(const Window& window, int lane, const DistanceWeight& weightOf, float stepM,
                  std::vector<CellPoint>& around) {
  around.clear();
  for (int dy = -window.radius; dy <= window.radius; ++dy) {
    const LayeredRow& row = *window.rows[dy + window.radius];
    for (int dx = -window.radius; dx <= window.radius; ++dx) {
      const size_t cell = static_cast<size_t>(window.column + lane + dx + window.radius);
      for (uint32_t k = row.start[cell]; k < row.start[cell + 1]; ++k) {
        around.push_back(row.sorted[k]);
        around.back().x += static_cast<float>(dx);
        around.back().y += static_cast<float>(dy);
      }
    }
  }
  return cellOf(around, weightOf, stepM);
}

void computeCells(const PointRows& points, const CellGrid& grid, const RasterizeOptions& options, const DsmViews& out) {
  const DistanceWeight weightOf(options.sigma);
  const float stepM = static_cast<float>(options.stepM);
  const int around = 2 * grid.radius + 1, lanes = static_cast<int>(hn::Lanes(kD));
  std::vector<LayeredRow> ring(around, LayeredRow((grid.columns() + 2 * kMostLanes + around) / kMostLanes));
  Scratch scratch;
  Values values;
  for (int row = 0; row < 2 * grid.radius; ++row) layRow(points, row, ring[row]);
  for (int j = 0; j < grid.height; ++j) {
    layRow(points, j + 2 * grid.radius, ring[(j + 2 * grid.radius) % around]);
    for (int i = 0; i < grid.width; i += lanes) {
      const int n = std::min(lanes, grid.width - i);
      const Window window(ring, j, i, grid.radius);
      if (window.deepest <= kMostLayers) {
        valuesOf(window, weightOf, stepM, scratch, values);
      } else {
        for (int dy = 0; dy < around; ++dy) {
          if (window.rows[dy]->start.empty()) sortRow(points, j + dy, *window.rows[dy]);
        }
        for (int lane = 0; lane < n; ++lane) {
          const CellValue value = valueOf(window, lane, weightOf, stepM, scratch.around);
          values.height[lane] = value.height;
          values.weight[lane] = value.weight;
          values.spread[lane] = value.spread;
          values.count[lane] = value.count;
        }
      }
      storeCells(values, n, i, j, out);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(placePoints);
HWY_EXPORT(computeCells);

Rasterizer::Rasterizer(const GridPlace& place, const RasterizeOptions& options, int width, int height, size_t mostPoints, BigBuffer& memory)
    : options_(options),
      grid_{width, height, options.radius, static_cast<float>(place.eastM), static_cast<float>(place.southM),
            static_cast<float>(1 / place.resolution)},
      rows_(std::make_unique<PointRows>(grid_.rows(), mostPoints, memory)) {}

Rasterizer::~Rasterizer() = default;

void Rasterizer::add(const PointArrays& points) { HWY_DYNAMIC_DISPATCH(placePoints)(points, grid_, *rows_); }

void Rasterizer::finish(const DsmViews& out) { HWY_DYNAMIC_DISPATCH(computeCells)(*rows_, grid_, options_, out); }

void rasterizeDsm(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                  const DsmViews& out) {
  BigBuffer memory;
  Rasterizer rasterizer(place, options, out.height.width, out.height.height, points.n, memory);
  rasterizer.add(points);
  rasterizer.finish(out);
}

size_t cellsWithPoints(ImageView<const uint16_t> count) {
  size_t cells = 0;
  for (int row = 0; row < count.height; ++row) {
    cells += static_cast<size_t>(count.width - std::count(count.row(row), count.row(row) + count.width, uint16_t{0}));
  }
  return cells;
}

}  // namespace altiplano
#endif  // HWY_ONCE
