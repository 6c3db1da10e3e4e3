// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_SEARCH_RANGE_H_
#define ALTIPLANO_KERNELS_SEARCH_RANGE_H_

#include <cstdint>
#include <span>

#include "image.h"
#include "polynomial.h"

namespace altiplano {

// What is known of heights before matching: a north-up grid of (lowest, highest) metres, both NaN where nothing is.
struct HeightPrior {
  ImageView<const float> low, high;
  double originE, originN, resolution;  // upper left corner of cell (0, 0); side of a cell, metres
};

struct SearchRangeOptions {
  int maxCount;    // disparities per pixel the caller can afford, at least 16
  double slackPx;  // added on both sides of the prior's disparities
  double pixelM;   // ground metres per rectified pixel
};

struct SearchCount {
  int count;   // the most disparities searched at a pixel; a multiple of 16
  int wanted;  // what the prior asks for; count < wanted: the middle of what a pixel's range asks for was kept
};

// The lowest disparity of each pixel of a rectified block, such that [low, low + count of its row) holds every disparity the prior
// allows there. low: (height, width), pixel (0, 0) is (u0, v0). rowCounts: `height` of them, what the widest place of each row
// asks for as a multiple of 32 (what the matcher pads it to anyway), but at most the block's count; empty: that count
// everywhere. wanted = 0: the prior says nothing about the block, and neither was written.
//
// Every prior cell is seen by the reference as a segment, from its lowest to its highest point; what falls on a
// block of pixels widens that block's range. A block that catches nothing (occluded, or the prior has a hole) takes the
// ranges around it, nearest first. Each block also takes its neighbours', because edges are no sharper in the prior.
SearchCount searchRange(const Poly3& rectFromGround, const HeightPrior& prior, int u0, int v0,
                        const SearchRangeOptions& options, ImageView<int16_t> low, std::span<uint16_t> rowCounts);

// The smallest multiple of 16 that holds `disparities`, and what of it maxCount allows.
SearchCount searchCount(double disparities, int maxCount);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_SEARCH_RANGE_H_
