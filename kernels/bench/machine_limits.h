// SPDX-License-Identifier: Apache-2.0
// What this core can do at most, by loops that do nothing else.
#ifndef ALTIPLANO_BENCH_MACHINE_LIMITS_H_
#define ALTIPLANO_BENCH_MACHINE_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "image.h"

namespace altiplano::bench {

enum class Stream { kRead, kCopy, kTriad };

// Memory for the streams, three arrays of floats of `bytes` in all.
class StreamArrays {
 public:
  explicit StreamArrays(size_t bytes);
  // One pass; returns the bytes the program moved: read 1, copy 2, triad 3 times an array. What the hardware moves
  // besides (a cache line is read before it is written) isn't counted, as in STREAM (McCalpin 1995).
  size_t pass(Stream kind);

 private:
  size_t floats_;
  Image<float> a_, b_, c_;
  float sink_ = 0;
};

enum class Arithmetic { kInt8, kInt16, kFloat };

// Vector operations on registers alone, several independent chains, so that nothing but the execution units limits them.
// kInt8: the operations of semi-global matching, each in the share that its definition has of it. kInt16: minima, saturated
// and plain additions, subtractions. kFloat: multiplications and additions, not fused, as the kernels must (same bits on
// every target). Returns the lane bytes operated on: an operation on a 16-bit lane counts as two.
uint64_t arithmetic(Arithmetic kind, int rounds);

}  // namespace altiplano::bench

#endif  // ALTIPLANO_BENCH_MACHINE_LIMITS_H_
