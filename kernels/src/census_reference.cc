// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "census.h"
#include "validity.h"

namespace altiplano {

void censusTransformReference(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                              ImageView<uint16_t> validity) {
  for (int v = 0; v < in.height; ++v) {
    for (int u = 0; u < in.width; ++u) {
      uint64_t code = 0;
      int bit = 0;
      int missing = 0;
      for (int dv = -kCensusRadiusV; dv <= kCensusRadiusV; ++dv) {
        for (int du = -kCensusRadiusU; du <= kCensusRadiusU; ++du) {
          const int x = std::clamp(u + du, 0, in.width - 1);
          const int y = std::clamp(v + dv, 0, in.height - 1);
          if (valid.at(x, y) == 0) ++missing;
          if (du == 0 && dv == 0) continue;
          if (valid.at(x, y) != 0 && in.at(x, y) < in.at(u, v)) code |= uint64_t{1} << bit;
          ++bit;
        }
      }
      const bool usable = valid.at(u, v) != 0 && missing <= kCensusMaxMissing;
      for (int b = 0; b < kCensusBytes; ++b) {
        out.at(u, kCensusBytes * v + b) = usable ? static_cast<uint8_t>(code >> (8 * b)) : uint8_t{0};
      }
      validity.at(u, v) = usable ? kValid : valid.at(u, v) == 0 ? kNoDataReference : kBorder;
    }
  }
}

}  // namespace altiplano
