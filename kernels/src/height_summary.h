// SPDX-License-Identifier: Apache-2.0
// What a merged DSM holds, gathered block by block in any order.
#ifndef ALTIPLANO_KERNELS_HEIGHT_SUMMARY_H_
#define ALTIPLANO_KERNELS_HEIGHT_SUMMARY_H_

#include <cstdint>
#include <limits>

#include "image.h"

namespace altiplano {

struct HeightSummary {
  int64_t valid = 0;
  float min = std::numeric_limits<float>::infinity(), max = -std::numeric_limits<float>::infinity();
  // The smallest rectangle of cells that holds all heights; right and bottom are its last cells. Empty: left > right.
  int left = std::numeric_limits<int>::max(), top = left, right = -1, bottom = -1;
};

// Cells by height in equal bins from `from` metres; the outer ones hold what lies beyond, too.
struct HeightBins {
  float from, perMetre;
  uint32_t* counts;
  int size;
};

// The block's cells where `reason` is 0. Its bins are counted up.
HeightSummary summarizeHeights(ImageView<const float> height, ImageView<const uint16_t> reason, const HeightBins& bins);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_HEIGHT_SUMMARY_H_
