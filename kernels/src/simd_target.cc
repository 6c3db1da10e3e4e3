// SPDX-License-Identifier: Apache-2.0
#include "simd_target.h"

#include <hwy/targets.h>

namespace altiplano {

const char* simdTarget() {
  // A better target has a lower bit; the dispatch takes the best one that was compiled.
  const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(usable & -usable);
}

}  // namespace altiplano
