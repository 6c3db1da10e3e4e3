// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_SIMD_TARGET_H_
#define ALTIPLANO_KERNELS_SIMD_TARGET_H_

namespace altiplano {

// Name of the instruction set that the kernels use on this machine, as Highway names it: "AVX2", "NEON", ...
const char* simdTarget();

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_SIMD_TARGET_H_
