// SPDX-License-Identifier: Apache-2.0
#include "correlate_patch.h"

namespace altiplano {

void correlatePatchReference(ImageView<const float> patch, ImageView<const float> region, ImageView<float> out) {
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      float sum = 0;
      for (int j = 0; j < patch.height; ++j) {
        for (int i = 0; i < patch.width; ++i) sum += patch.at(i, j) * region.at(x + i, y + j);
      }
      out.at(x, y) = sum;
    }
  }
}

}  // namespace altiplano
