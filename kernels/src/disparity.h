// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_DISPARITY_H_
#define ALTIPLANO_KERNELS_DISPARITY_H_

#include <cstdint>

#include "image.h"
#include "sgm.h"

namespace altiplano {

struct DisparityOptions {
  float leftRightPx = 1;     // largest difference of the left and the right view's disparity; negative = no check
  float minConfidence = 0;   // below this the winner is kAmbiguous
};

// The disparities of a reference block, (height, width) each; disparity is NaN where validity isn't 0.
struct DisparityViews {
  ImageView<float> disparity;
  ImageView<uint16_t> validity;
  ImageView<float> confidence;
};

// Picks each pixel's disparity from the aggregated costs: the smallest sum (the lowest k of equals), refined by
// a parabola through it and its two neighbours; the secondary's winner along the diagonal of the same volume
// serves the left-right check. Validity: what the reference's census says; kOutsideSecondary where no candidate
// exists; kRangeEdge where the winner is candidate 0 or count - 1; kLeftRight; kAmbiguous.
// Confidence is 1 - best / second best, where the second best is at least 2 px away, in 0..1.
void selectDisparity(const SgmInput& input, const CostVolume& volume, const DisparityOptions& options,
                     const DisparityViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_DISPARITY_H_
