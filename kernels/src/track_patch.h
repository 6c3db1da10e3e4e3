// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_TRACK_PATCH_H_
#define ALTIPLANO_KERNELS_TRACK_PATCH_H_

#include <cstdint>
#include <optional>

#include "image.h"

namespace altiplano {

// Pixels read around a patch of the reference and of the secondary: the gradient's and the interpolation's reach.
inline constexpr int kTrackBorder = 4;
inline constexpr int kMaxPatchRadius = 32;

struct TrackedPatch {
  double x, y;   // position in the secondary
  double score;  // normalised cross-correlation there, -1..1
};

// Refines where the (2 radius + 1)^2 patch around the reference pixel (x1, y1) lies in the secondary, from a start within
// about a pixel: Gauss-Newton on the squared difference after gain and offset. The patch may be stretched and sheared along
// x, as a slope of the ground does in rectified images: a linear change of the x shift over the patch is estimated beside the
// shift at its centre, so that it doesn't bias it. None where no-data is met, the texture doesn't determine the shift, or it
// runs off by more than 1.5 px.
// Source: Lucas and Kanade, IJCAI 1981, in the inverse form of Baker and Matthews, IJCV 56 (2004).
std::optional<TrackedPatch> trackPatch(ImageView<const float> ref, ImageView<const uint8_t> refValid, int x1, int y1,
                                       ImageView<const float> sec, ImageView<const uint8_t> secValid, double x2,
                                       double y2, int radius);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_TRACK_PATCH_H_
