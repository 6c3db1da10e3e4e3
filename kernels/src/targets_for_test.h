// SPDX-License-Identifier: Apache-2.0
// Tests only: runs a check on every SIMD target this machine has, so that each of them meets its twin.
#ifndef ALTIPLANO_KERNELS_TARGETS_FOR_TEST_H_
#define ALTIPLANO_KERNELS_TARGETS_FOR_TEST_H_

// The targets of all kernels: some ask for this one, and Highway has to know before it is included.
#define HWY_WANT_AVX3_DL

#include <gtest/gtest.h>
#include <hwy/highway.h>

namespace altiplano {

template <class Check>
void onEveryTarget(Check check) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_TARGETS_FOR_TEST_H_
