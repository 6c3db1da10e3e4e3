// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_CORRELATE_PATCH_H_
#define ALTIPLANO_KERNELS_CORRELATE_PATCH_H_

#include "image.h"

namespace altiplano {

// correlatePatch works on this many offsets at a time: rows of `region` are read, and of `out` written, up to
// the next multiple.
inline constexpr int kCorrelationBlock = 32;

// out(x, y) = sum over (i, j) of patch(i, j) * region(x + i, y + j), x < out.width, y < out.height.
// region: at least (out.height + patch.height - 1) rows, each readable for patch.width - 1 elements past out.width rounded
// up to kCorrelationBlock; rows of out are writable up to that width.
// Summed in the patch's row order for every offset: exact, every target gives the same bits.
void correlatePatch(ImageView<const float> patch, ImageView<const float> region, ImageView<float> out);

// The slow twin.
void correlatePatchReference(ImageView<const float> patch, ImageView<const float> region, ImageView<float> out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_CORRELATE_PATCH_H_
