// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_MATCH_H_
#define ALTIPLANO_KERNELS_MATCH_H_

#include <cstdint>
#include <span>

#include "big_buffer.h"
#include "disparity.h"
#include "edges.h"
#include "image.h"
#include "refine.h"
#include "sgm.h"

namespace altiplano {

struct MatchOptions {
  SgmOptions sgm;
  DisparityOptions disparity;
  EdgeOptions edges;
  RefineOptions refine;
};

// A rectified image block and where it has data (1).
struct MatchImage {
  ImageView<const float> data;
  ImageView<const uint8_t> valid;
};

// Candidates of the reference's pixels: low(u, v) <= d < low(u, v) + rowCounts[v].
struct MatchRange {
  ImageView<const int16_t> low;
  int count;                                  // the most of any row
  std::span<const uint16_t> rowCounts = {};  // empty: count
};

// What matchPair needs most memory for, kept between calls; one owner at a time.
struct MatchMemory {
  BigBuffer volume;  // and after it the planes of edges and refinement
  BigBuffer census;
};

// Dense disparities of a rectified pair: censusTransform, sgm, selectDisparity, sharpenEdges, refineDisparity. Reference
// (u, v) matches secondary (u + d + secOffset, v), where d is one of the range's candidates, but at an edge a pixel may get the
// disparity of a surface beside it that lies outside of its own range. Both blocks have the same height.
void matchPair(const MatchImage& ref, const MatchImage& sec, const MatchRange& range, int secOffset,
               const MatchOptions& options, MatchMemory& memory, const DisparityViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_MATCH_H_
