// SPDX-License-Identifier: Apache-2.0
#include "correlate_patch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "correlate_patch.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One lane per offset along x: a patch pixel is broadcast and meets consecutive region pixels. Four sums run side by
// side, so that additions need not wait for one another.
void correlateRows(ImageView<const float> patch, ImageView<const float> region, ImageView<float> out) {
  const hn::CappedTag<float, kCorrelationBlock / 4> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; x += 4 * lanes) {
      auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
      for (int j = 0; j < patch.height; ++j) {
        const float* HWY_RESTRICT weights = patch.row(j);
        const float* HWY_RESTRICT pixels = region.row(y + j) + x;
        for (int i = 0; i < patch.width; ++i) {
          const auto weight = hn::Set(d, weights[i]);
          sum0 = hn::Add(sum0, hn::Mul(weight, hn::LoadU(d, pixels + i)));
          sum1 = hn::Add(sum1, hn::Mul(weight, hn::LoadU(d, pixels + i + lanes)));
          sum2 = hn::Add(sum2, hn::Mul(weight, hn::LoadU(d, pixels + i + 2 * lanes)));
          sum3 = hn::Add(sum3, hn::Mul(weight, hn::LoadU(d, pixels + i + 3 * lanes)));
        }
      }
      float* to = out.row(y) + x;
      hn::StoreU(sum0, d, to);
      hn::StoreU(sum1, d, to + lanes);
      hn::StoreU(sum2, d, to + 2 * lanes);
      hn::StoreU(sum3, d, to + 3 * lanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(correlateRows);

void correlatePatch(ImageView<const float> patch, ImageView<const float> region, ImageView<float> out) {
  HWY_DYNAMIC_DISPATCH(correlateRows)(patch, region, out);
}

}  // namespace altiplano
#endif  // HWY_ONCE
