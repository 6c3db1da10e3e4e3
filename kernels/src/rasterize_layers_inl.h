// SPDX-License-Identifier: Apache-2.0
// Part of rasterize.cc, which includes it behind Highway, once per target: how rows of points are laid out in layers, and read around a cell.
#if defined(ALTIPLANO_KERNELS_RASTERIZE_LAYERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_RASTERIZE_LAYERS_INL_H_
#undef ALTIPLANO_KERNELS_RASTERIZE_LAYERS_INL_H_
#else
#define ALTIPLANO_KERNELS_RASTERIZE_LAYERS_INL_H_
#endif

#include <algorithm>
#include <limits>
#include <vector>

#include "point_rows.h"
#include "rasterize_layers.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kMostLanes>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
constexpr D kD;
constexpr hn::RebindToSigned<D> kDi;

// Lays out row `row` of `rows`, which has `radius` cells more on both sides than the grid.
void layRow(const PointRows& rows, int row, LayeredRow& out) {
  for (int k = 0; k < out.layers; ++k) out.clearLayer(k);
  std::fill(out.count.begin(), out.count.end(), 0);
  out.start.clear();
  const size_t stride = static_cast<size_t>(out.stride);
  rows.forRow(row, [&](const CellPoint* points, const int32_t* columns, int n) {
    for (int i = 0; i < n; ++i) {
      const int k = out.count[static_cast<size_t>(columns[i])]++;
      if (k >= kMostLayers) continue;
      if (k == out.layers) out.addLayer();
      float* place = out.layer(k) + columns[i];
      place[0] = points[i].x;
      place[stride] = points[i].y;
      place[2 * stride] = points[i].height;
      place[3 * stride] = points[i].weight;
    }
  });
  const V infinity = hn::Set(kD, std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < stride; i += hn::Lanes(kD)) {
    const int depth = hn::GetLane(hn::MaxOfLanes(kDi, hn::LoadU(kDi, &out.count[i])));
    V low = infinity, high = hn::Neg(infinity);
    for (int k = 0; k < std::min(depth, kMostLayers); ++k) {
      const V height = hn::LoadU(kD, out.layer(k) + 2 * stride + i);
      low = hn::IfThenElse(hn::Lt(height, low), height, low);
      high = hn::IfThenElse(hn::Gt(height, high), height, high);
    }
    hn::StoreU(low, kD, &out.low[i]);
    hn::StoreU(high, kD, &out.high[i]);
  }
}

// Sorts the points of a row that is laid out by cell.
void sortRow(const PointRows& rows, int row, LayeredRow& out) {
  // Points of cell c are counted at c + 2, so that c + 1 can run from their first place to their last while they are
  // put there, and ends as the start of cell c + 1.
  out.start.assign(out.count.size() + 2, 0);
  for (size_t c = 0; c < out.count.size(); ++c) out.start[c + 2] = out.start[c + 1] + static_cast<uint32_t>(out.count[c]);
  out.sorted.resize(out.start.back());
  rows.forRow(row, [&](const CellPoint* points, const int32_t* columns, int n) {
    for (int i = 0; i < n; ++i) out.sorted[out.start[static_cast<size_t>(columns[i]) + 1]++] = points[i];
  });
}

// What the vector of cells at `column` sees: of the rows around, and each shift along them, the layers that hold something.
struct Window {
  int column, radius, deepest = 0;
  LayeredRow* rows[2 * kMostRadius + 1];
  int depth[2 * kMostRadius + 1][2 * kMostRadius + 1];
  // ring: row r is ring[r % (2 radius + 1)].
  Window(std::vector<LayeredRow>& ring, int firstRow, int column, int radius) : column(column), radius(radius) {
    for (int dy = 0; dy <= 2 * radius; ++dy) {
      rows[dy] = &ring[(firstRow + dy) % (2 * radius + 1)];
      for (int dx = 0; dx <= 2 * radius; ++dx) {
        const int32_t* counts = rows[dy]->count.data() + column + dx;
        depth[dy][dx] = hn::GetLane(hn::MaxOfLanes(kDi, hn::LoadU(kDi, counts)));
        deepest = std::max(deepest, depth[dy][dx]);
      }
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
      for (int k = 0; k < window.depth[dy][dx]; ++k) {
        use(row.layer(k) + window.column + dx, row.stride, dx - window.radius, dy - window.radius);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
