// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_CORNERS_H_
#define ALTIPLANO_KERNELS_CORNERS_H_

#include <cstdint>
#include <vector>

#include "image.h"

namespace altiplano {

struct CornerOptions {
  int maxPoints = 400;
  double minDistancePx = 8;
  // All pixels within this distance along both axes have to be inside the block and valid.
  int border = 14;
};

struct Corner {
  int x, y;        // pixel of the block
  float strength;  // smaller eigenvalue of the structure tensor
};

// The strongest corners of a block, spread over it: at most one in each cell of a grid whose cells hold one point each
// when maxPoints fill the usable area. Strongest first. data, valid: (height, width).
// Corner strength: the smaller eigenvalue of the structure tensor summed over 7 x 7 pixels.
// Source: Shi and Tomasi, Good Features to Track, CVPR 1994.
std::vector<Corner> detectCorners(ImageView<const float> data, ImageView<const uint8_t> valid,
                                  const CornerOptions& options);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_CORNERS_H_
