// SPDX-License-Identifier: Apache-2.0
// Merging the partial DSMs of a tile and its neighbours into the cells the tile owns.
#ifndef ALTIPLANO_KERNELS_MERGE_BLOCK_H_
#define ALTIPLANO_KERNELS_MERGE_BLOCK_H_

#include <cstdint>
#include <vector>

#include "image.h"

namespace altiplano {

// Cells of one size; a cell counts where its weight is above 0 and both weight and height are finite. height, spread: metres.
struct CellViews {
  ImageView<const float> height, weight, spread, count;
};
struct CellOutputs {
  ImageView<float> height, weight, spread, count;
};

// One tile of one or several pairs, as far as it lies inside the block.
struct BlendTile {
  int col0 = 0, row0 = 0;  // of the views, in cells of the block
  bool isOwner = false;
  // One weight per column and row of the block; their product is the tile's feather in a cell. 0 where the views do not reach.
  const double* featherCol = nullptr;
  const double* featherRow = nullptr;
  CellViews cells;
};

struct BlendOptions {
  double toleranceM = 3;     // a height farther than this from the leading tile's isn't blended in
  double fullWeight = 1;     // weight of a cell whose points are all certain: confidence 1
  uint16_t emptyReason = 1;  // of cells without a height
};

// height: metres, kNoHeight where there is none; confidence (0 to 1) and spread (metres): in steps of 1 / kUnitSteps, 65535 and more
// is 65535; reason: a Reason. Where there is no height, confidence, count and spread are 0.
struct MergedOutputs {
  ImageView<float> height;
  ImageView<uint16_t> confidence, count, spread, reason;
};

// The pairs of one tile as one: means weighted by weight, what the pairs differ by is spread (West, CACM 22(9), 1979); weights
// and counts add up. Empty cells: weight 0. The order of `pairs` is that of the sums.
void fusePairs(const std::vector<CellViews>& pairs, const CellOutputs& fused);

// The tiles' heights as one surface: every tile counts with weight times feather, and not at all without a feather, unless it
// disagrees with the leading tile (the owner, else the one of the largest feather) by more than the tolerance: a roof's edge stays
// an edge. Count is the leading tile's. Where one tile alone has a feather its cells are taken as they are. The order of `tiles` is
// that of the sums.
void blendTiles(const std::vector<BlendTile>& tiles, const BlendOptions& options, const MergedOutputs& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_MERGE_BLOCK_H_
