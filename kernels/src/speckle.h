// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_SPECKLE_H_
#define ALTIPLANO_KERNELS_SPECKLE_H_

#include "disparity.h"

namespace altiplano {

// Rejects (NaN, kSpeckle, confidence 0) every region of fewer than `smallest` valid pixels, where a region is what
// can be reached over the four direct neighbours by steps of at most `stepPx` of disparity. Exact.
// Cost: regions are joined run by run of a row, so a few operations per pixel.
// Source: two-pass labelling with a union-find forest, Rosenfeld and Pfaltz, JACM 1966.
void removeSpeckles(const DisparityViews& map, int smallest, float stepPx);

// The slow twin: floods each region.
void removeSpecklesReference(const DisparityViews& map, int smallest, float stepPx);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_SPECKLE_H_
