// SPDX-License-Identifier: Apache-2.0
// Part of rasterize.cc: a row of points in layers. Layer k holds the k-th point of every cell, coordinate by coordinate, so that the points of
// neighbouring cells are neighbours in memory. 2 radius + 1 rows are kept:
//
//   points of a row    e f in c3, a in c0, d in c1, g in c3, b in c0
//   layer 0            a d - e        (-: height NaN)
//   layer 1            b - - f
//   layer 2            - - - g
#ifndef ALTIPLANO_KERNELS_RASTERIZE_LAYERS_H_
#define ALTIPLANO_KERNELS_RASTERIZE_LAYERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "rasterize_cell.h"

namespace altiplano {

// Of RasterizeOptions::radius.
inline constexpr int kMostRadius = 16;

// No vector has more; rows of cells are padded to a multiple.
inline constexpr int kMostLanes = 16;
// Where a cell has more points, a vector is computed cell by cell.
inline constexpr int kMostLayers = 32;

// One row of cells in layers.
struct LayeredRow {
  int stride = 0;                  // floats of one coordinate of one layer
  int layers = 0;                  // that there is room for; those above the deepest cell hold nothing
  std::vector<float> planes;       // layer by layer: x, y, height, weight
  std::vector<int32_t> count;      // points of each cell
  std::vector<float> low, high;    // of each cell's heights; infinity and -infinity where it has none
  // The same points by cell, once a crowded one asks for it: those of cell c are sorted[start[c]] to sorted[start[c + 1]].
  std::vector<uint32_t> start;
  std::vector<CellPoint> sorted;

  // blocks: of kMostLanes cells.
  explicit LayeredRow(int blocks) : stride(blocks * kMostLanes), count(stride), low(stride), high(stride) {}
  const float* layer(int k) const { return planes.data() + static_cast<size_t>(4) * k * stride; }
  float* layer(int k) { return planes.data() + static_cast<size_t>(4) * k * stride; }
  void clearLayer(int k) {
    std::fill_n(layer(k) + 2 * stride, stride, std::numeric_limits<float>::quiet_NaN());
  }
  void addLayer() {
    planes.resize(static_cast<size_t>(4) * (layers + 1) * stride);
    clearLayer(layers++);
  }
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RASTERIZE_LAYERS_H_
