// SPDX-License-Identifier: Apache-2.0
// Rows of cells of partial DSMs as merged ones, where one tile or two have a say.
#ifndef ALTIPLANO_KERNELS_MERGE_CELLS_H_
#define ALTIPLANO_KERNELS_MERGE_CELLS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "product_cells.h"

namespace altiplano {

// Some cells of a row of partial cells, and where they go as merged cells; see CellViews and MergedOutputs of merge_block.h.
struct PartialRow {
  const float *height, *weight, *spread, *count;
};
struct MergedRow {
  float* height;
  uint16_t *confidence, *count, *spread, *reason;
};

// A cell counts where this holds. Also false for NaN, what is infinite and heights beyond any planet, so that sums are finite.
inline bool cellCounts(float weight, float height) { return weight > 0.0F && weight < 1e30F && std::fabs(height) < 1e30F; }

// In the steps a merged cell is kept and published in: to the nearest, of two as near the even one.
inline uint16_t confidenceSteps(float confidence) { return static_cast<uint16_t>(std::nearbyint(std::min(confidence, 1.0F) * kUnitSteps)); }
// NaN and below 0: 0; 65535 and more: 65535.
inline uint16_t countSteps(float count) { return static_cast<uint16_t>(std::min(count > 0.0F ? count : 0.0F, 65535.0F)); }
// NaN and below 0: 0; 256 m and more: 65535.
inline uint16_t spreadSteps(float spread) {
  return static_cast<uint16_t>(std::nearbyint(std::min(spread > 0.0F ? spread * kUnitSteps : 0.0F, 65535.0F)));
}

// Cells as they are; confidence is weight / fullWeight. Those that don't count: height kNoHeight, reason `emptyReason`, the rest 0.
void takeCells(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out);

// The slow twin: equal to the bit.
void takeCellsReference(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out);

// Cells of a tile where it has a feather, which is `feather` of the column times that of the row.
struct FeatheredRow {
  PartialRow cells;
  const double* feather;
  double rowFeather;
  bool isOwner;
};

// What blendTiles (merge_block.h) makes of cells where two tiles have a feather, in the order of the sums.
void blendTwo(const FeatheredRow& first, const FeatheredRow& second, int cells, double toleranceM, double fullWeight, uint16_t emptyReason, const MergedRow& out);

// The slow twin: equal to the bit.
void blendTwoReference(const FeatheredRow& first, const FeatheredRow& second, int cells, double toleranceM, double fullWeight, uint16_t emptyReason,
                       const MergedRow& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_MERGE_CELLS_H_
