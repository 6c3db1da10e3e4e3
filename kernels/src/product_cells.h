// SPDX-License-Identifier: Apache-2.0
// From merged cells to the cells of the published layers, and from those to their overviews.
#ifndef ALTIPLANO_KERNELS_PRODUCT_CELLS_H_
#define ALTIPLANO_KERNELS_PRODUCT_CELLS_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "image.h"

namespace altiplano {

// No-data value of heights, confidences and spreads.
inline constexpr float kNoHeight = -32768;
// Published heights are whole multiples of 1 / kHeightSteps metres, confidences and spreads (metres) of 1 / kUnitSteps: more is
// noise, and noise does not compress.
inline constexpr int kHeightSteps = 1024;
inline constexpr int kUnitSteps = 256;
// Validity of what a block holds beyond the raster's edge.
inline constexpr uint8_t kBeyond = 255;

// Why a cell has no height; the classes of the validity layer.
enum Reason : uint8_t { kHasHeight = 0, kNoPoint = 1, kOutside = 2, kDeadTile = 3, kOutsideRoi = 4 };
inline constexpr int kReasons = 5;

// Cells of a row. height: metres; confidence, spread: in steps of 1 / kUnitSteps; reason: a Reason, or kNothing where nothing was merged
// (which is outside).
inline constexpr uint16_t kNothing = 65535;
struct MergedCells {
  const float* height;
  const uint16_t *confidence, *count, *spread, *reason;
};

// One size. Without a height: dsm, confidence and spread kNoHeight, count 0.
struct ProductViews {
  ImageView<float> dsm, confidence, spread;
  ImageView<uint16_t> count;
  ImageView<uint8_t> validity;
};

// Cells of a row of it.
struct ProductCells {
  float *dsm, *confidence, *spread;
  uint16_t* count;
  uint8_t* validity;
};

// Sums over published cells. All integers, in the steps they are published in, so that the order in which blocks are added
// does not matter.
struct ProductTally {
  int64_t reasons[kReasons] = {};
  int64_t heights = 0, confidences = 0, spreads = 0, points = 0;
  int32_t minHeight = std::numeric_limits<int32_t>::max(), maxHeight = std::numeric_limits<int32_t>::min();
  int32_t maxSpread = 0, maxCount = 0;
  // Cells by height, equal bins from `binsFrom` to `binsTo` metres; the outer ones hold what lies beyond, too.
  float binsFrom = 0, binsTo = 1;
  std::vector<int64_t> bins;

  void add(const ProductTally& other);
  bool operator==(const ProductTally&) const = default;
};

// Where cells of a row lie: 1 inside, 0 outside. Null = everywhere.
struct RowAreas {
  const uint8_t* roi = nullptr;
  const uint8_t* seen = nullptr;
};

// Some merged cells of a row -> published ones, added to the tally. undulation: metres, subtracted from heights; null = none.
// Outside of the ROI nothing is published; an empty cell that no pair sees is called kOutside.
void productCells(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out,
                  ProductTally& tally);

// 1 where a cell's centre e = originE + (col0 + i + 0.5) * resolution lies inside the ring (x, y pairs, open) on the line at
// north n: an odd number of crossings at or west of it. Rows of several rings are combined by `or` into `inside`.
void addInside(const std::vector<double>& ring, double north, double originE, double resolution, int col0, int cols,
               std::vector<double>& crossings, uint8_t* inside);

// Halves a block: means of the cells that have a value (rounded again), mean count and most frequent validity (of
// equally many the first) of the cells inside the raster. `in` has even sizes, `out` half of them.
void halveProduct(const ProductViews& in, const ProductViews& out);

// The slow twins: equal to the bit.
void productCellsReference(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out,
                           ProductTally& tally);
void halveProductReference(const ProductViews& in, const ProductViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_PRODUCT_CELLS_H_
