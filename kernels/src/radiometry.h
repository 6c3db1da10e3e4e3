// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_RADIOMETRY_H_
#define ALTIPLANO_KERNELS_RADIOMETRY_H_

#include <vector>

#include "image.h"
#include "refine.h"

namespace altiplano {

// How the secondary's grey values S look in the reference: R = gain S + bias, give or take `deviation` (a mean absolute
// one; its inverse is kept, 0 = not known).
struct Radiometry {
  float gain = 1, bias = 0, perDeviation = 0;
};

// The radiometry around each block of 16 x 16 pixels of the reference.
inline constexpr int kRadiometryBlock = 16;
class RadiometryMap {
 public:
  // Of the matched pixels of 3 x 3 blocks, every other one of every other row: gain = ratio of the standard deviations, held
  // within [0.5, 2], bias = difference of the means; the deviation counts no pixel for more than one standard deviation of the
  // differences, so that wrong matches matter little. Not known where fewer than 16 are matched, or where the images don't vary
  // together.
  RadiometryMap(const RefineInput& input, ImageView<const float> disparity);

  const Radiometry& at(int u, int v) const {
    return blocks_[static_cast<size_t>(v / kRadiometryBlock) * static_cast<size_t>(columns_) + static_cast<size_t>(u / kRadiometryBlock)];
  }

 private:
  int columns_, rows_;
  std::vector<Radiometry> blocks_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RADIOMETRY_H_
