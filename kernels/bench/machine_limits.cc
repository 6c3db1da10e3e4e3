// SPDX-License-Identifier: Apache-2.0
#define HWY_WANT_AVX3_DL

#include "machine_limits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/machine_limits.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano::bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kUnroll = 4;  // vectors per step of a stream
using F = hn::ScalableTag<float>;

float readAll(const float* a, size_t n) {
  const F d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i + kUnroll * lanes <= n; i += kUnroll * lanes) {
    s0 = hn::Add(s0, hn::Load(d, a + i));
    s1 = hn::Add(s1, hn::Load(d, a + i + lanes));
    s2 = hn::Add(s2, hn::Load(d, a + i + 2 * lanes));
    s3 = hn::Add(s3, hn::Load(d, a + i + 3 * lanes));
  }
  return hn::GetLane(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

void copyAll(const float* a, float* b, size_t n) {
  const F d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i + kUnroll * lanes <= n; i += kUnroll * lanes) {
    for (size_t k = 0; k < kUnroll; ++k) hn::Store(hn::Load(d, a + i + k * lanes), d, b + i + k * lanes);
  }
}

void triadAll(const float* a, const float* b, float* c, size_t n) {
  const F d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, 0.5f);
  for (size_t i = 0; i + kUnroll * lanes <= n; i += kUnroll * lanes) {
    for (size_t k = 0; k < kUnroll; ++k) {
      const size_t at = i + k * lanes;
      hn::Store(hn::Add(hn::Load(d, a + at), hn::Mul(factor, hn::Load(d, b + at))), d, c + at);
    }
  }
}

constexpr uint64_t kChains = 8;

// Eight chains that take each step side by side, so that no latency limits them; p to s are what steps operate with. A step gets its chain and the next.
template <class D>
struct Chains {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  V p, q, r, s, x0, x1, x2, x3, x4, x5, x6, x7;

  explicit Chains(D d) {
    HWY_ALIGN T seeds[4 * HWY_MAX_BYTES / sizeof(T)];
    for (size_t i = 0; i < sizeof(seeds) / sizeof(T); ++i) seeds[i] = static_cast<T>(37 * i + 11);
    p = hn::LoadU(d, seeds), q = hn::LoadU(d, seeds + 1), r = hn::LoadU(d, seeds + 2), s = hn::LoadU(d, seeds + 3);
    x0 = hn::LoadU(d, seeds + 4), x1 = hn::LoadU(d, seeds + 5), x2 = hn::LoadU(d, seeds + 6), x3 = hn::LoadU(d, seeds + 7);
    x4 = hn::LoadU(d, seeds + 8), x5 = hn::LoadU(d, seeds + 9), x6 = hn::LoadU(d, seeds + 10), x7 = hn::LoadU(d, seeds + 11);
  }
  template <class Step>
  HWY_INLINE void take(const Step& step) {
    x0 = step(x0, x1), x1 = step(x1, x2), x2 = step(x2, x3), x3 = step(x3, x4);
    x4 = step(x4, x5), x5 = step(x5, x6), x6 = step(x6, x7), x7 = step(x7, x0);
  }
  // So that nothing was done in vain, as far as compilers know.
  HWY_INLINE void end() const {
    volatile T sink = hn::GetLane(hn::Xor(hn::Xor(hn::Xor(x0, x1), hn::Xor(x2, x3)), hn::Xor(hn::Xor(x4, x5), hn::Xor(x6, x7))));
    (void)sink;
  }
};

// Of an evaluated disparity, as bench/kernels/models.ts counts them: xor, count and sum of five bytes of code; the steps of
// eight paths; the sums, six bytes of additions. No two neighbours are such that a compiler could join them into one.
uint64_t matchingMixture(int rounds) {
  const hn::ScalableTag<uint8_t> d;
  using V = hn::Vec<decltype(d)>;
  Chains chains(d);
  const V p = chains.p, q = chains.q, r = chains.r, s = chains.s;
  constexpr int kCodeBytes = 5, kPaths = 8, kSums = 6;
  constexpr uint64_t kOperations = 3 * kCodeBytes + 8 * kPaths + kSums;
  for (int i = 0; i < rounds; ++i) {
    for (int k = 0; k < kCodeBytes; ++k) {
      chains.take([&](V x, V) HWY_ATTR { return hn::Xor(x, p); });
      chains.take([](V x, V) HWY_ATTR { return hn::PopulationCount(x); });
      chains.take([&](V x, V) HWY_ATTR { return hn::Add(x, q); });
    }
    for (int k = 0; k < kPaths; ++k) {
      chains.take([&](V x, V) HWY_ATTR { return hn::Min(x, p); });           // the lesser neighbour
      chains.take([&](V x, V) HWY_ATTR { return hn::SaturatedAdd(x, q); });  // + P1
      chains.take([&](V x, V) HWY_ATTR { return hn::Min(x, r); });           // the least of both
      chains.take([&](V x, V) HWY_ATTR { return hn::Sub(x, s); });           // less the path's least
      chains.take([&](V x, V) HWY_ATTR { return hn::Min(x, p); });           // of the jump
      chains.take([&](V x, V) HWY_ATTR { return hn::SaturatedAdd(x, r); });  // the cost
      chains.take([&](V x, V) HWY_ATTR { return hn::Min(x, q); });           // the running least
      chains.take([&](V x, V) HWY_ATTR { return hn::Add(x, s); });           // the sum of paths
    }
    for (int k = 0; k < kSums; ++k) chains.take([](V x, V next) HWY_ATTR { return hn::Add(x, next); });
  }
  chains.end();
  return static_cast<uint64_t>(rounds) * kOperations * kChains * hn::Lanes(d);
}

// Minima stand between additions, so that no compiler can join two operations into one.
uint64_t additionsAndMinima(int rounds) {
  const hn::ScalableTag<uint16_t> d;
  using V = hn::Vec<decltype(d)>;
  Chains chains(d);
  const V p = chains.p, q = chains.q, r = chains.r, s = chains.s;
  constexpr uint64_t kOperations = 8;
  for (int i = 0; i < rounds; ++i) {
    chains.take([&](V x, V) HWY_ATTR { return hn::Min(hn::SaturatedAdd(x, p), q); });
    chains.take([&](V x, V) HWY_ATTR { return hn::Min(hn::Sub(x, r), s); });
    chains.take([&](V x, V) HWY_ATTR { return hn::Min(hn::SaturatedAdd(x, r), p); });
    chains.take([&](V x, V) HWY_ATTR { return hn::Min(hn::Add(x, s), q); });
  }
  chains.end();
  return static_cast<uint64_t>(rounds) * kOperations * kChains * hn::Lanes(d) * sizeof(uint16_t);
}

uint64_t floatMixture(int rounds) {
  const F d;
  const auto p = hn::Set(d, 0.999f), q = hn::Set(d, 0.001f);
  auto x0 = hn::Iota(d, 1), x1 = hn::Iota(d, 2), x2 = hn::Iota(d, 3), x3 = hn::Iota(d, 4), x4 = hn::Iota(d, 5), x5 = hn::Iota(d, 6),
       x6 = hn::Iota(d, 7), x7 = hn::Iota(d, 8), x8 = hn::Iota(d, 9), x9 = hn::Iota(d, 10), xa = hn::Iota(d, 11), xb = hn::Iota(d, 12);
  const auto step = [&](auto x) HWY_ATTR { return hn::Add(hn::Mul(x, p), q); };
  constexpr uint64_t kOperations = 2, kFloatChains = 12;
  for (int i = 0; i < rounds; ++i) {
    x0 = step(x0), x1 = step(x1), x2 = step(x2), x3 = step(x3), x4 = step(x4), x5 = step(x5);
    x6 = step(x6), x7 = step(x7), x8 = step(x8), x9 = step(x9), xa = step(xa), xb = step(xb);
  }
  const auto low = hn::Add(hn::Add(hn::Add(x0, x1), hn::Add(x2, x3)), hn::Add(x4, x5));
  const auto high = hn::Add(hn::Add(hn::Add(x6, x7), hn::Add(x8, x9)), hn::Add(xa, xb));
  volatile float sink = hn::GetLane(hn::Add(low, high));
  (void)sink;
  return static_cast<uint64_t>(rounds) * kOperations * kFloatChains * hn::Lanes(d) * sizeof(float);
}

uint64_t arithmeticSimd(Arithmetic kind, int rounds) {
  switch (kind) {
    case Arithmetic::kInt8: return matchingMixture(rounds);
    case Arithmetic::kInt16: return additionsAndMinima(rounds);
    case Arithmetic::kFloat: return floatMixture(rounds);
  }
  return 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano::bench {
HWY_EXPORT(readAll);
HWY_EXPORT(copyAll);
HWY_EXPORT(triadAll);
HWY_EXPORT(arithmeticSimd);

namespace {
constexpr int kArrays = 3;
// An Image holds at most an int's worth of columns and rows: arrays are rows of 1 Mi floats.
constexpr size_t kRowFloats = size_t{1} << 20;
}  // namespace

StreamArrays::StreamArrays(size_t bytes) : floats_(bytes / kArrays / sizeof(float)) {
  const int width = static_cast<int>(floats_ < kRowFloats ? floats_ : kRowFloats);
  const int height = static_cast<int>((floats_ + kRowFloats - 1) / kRowFloats);
  for (Image<float>* array : {&a_, &b_, &c_}) *array = Image<float>(width, height);
}

size_t StreamArrays::pass(Stream kind) {
  const size_t bytes = floats_ * sizeof(float);
  float *a = a_.view().data, *b = b_.view().data, *c = c_.view().data;
  switch (kind) {
    case Stream::kRead: sink_ += HWY_DYNAMIC_DISPATCH(readAll)(a, floats_); return bytes;
    case Stream::kCopy: HWY_DYNAMIC_DISPATCH(copyAll)(a, b, floats_); return 2 * bytes;
    case Stream::kTriad: HWY_DYNAMIC_DISPATCH(triadAll)(a, b, c, floats_); return 3 * bytes;
  }
  return 0;
}

uint64_t arithmetic(Arithmetic kind, int rounds) { return HWY_DYNAMIC_DISPATCH(arithmeticSimd)(kind, rounds); }

}  // namespace altiplano::bench
#endif
