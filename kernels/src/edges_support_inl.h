// SPDX-License-Identifier: Apache-2.0
// Part of edges.cc, which includes it behind Highway, once per target: how well a disparity fits a pixel.
#if defined(ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#undef ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#else
#define ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#endif

#include <cmath>

#include "edges.h"
#include "edges_planes_inl.h"
#include "radiometry.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kSide = 2 * kEdgeSupport + 1;
static_assert(kSide < kLanes);
constexpr float kMostDeviation = 2.5f;
constexpr float kLookAlike = 2.0f;  // deviations

// Weights of a support by distance.
struct Nearness {
  float of[kSide][kLanes] = {};
  Nearness() {
    for (int j = 0; j < kSide; ++j) {
      for (int i = 0; i < kSide; ++i) {
        const int du = i - kEdgeSupport, dv = j - kEdgeSupport;
        of[j][i] = 1.0f / (1.0f + 0.5f * static_cast<float>(du * du + dv * dv));
      }
    }
  }
};

// What a pixel is judged by: the grey values around it and how much they count.
class Support {
 public:
  Support(const Padded& ref, const Nearness& nearness, int u, int v, const Radiometry& radiometry)
      : gain_(radiometry.gain), perDeviation_(radiometry.perDeviation) {
    const Row d;
    const auto centre = hn::Set(d, ref.row(v)[u]), scale = hn::Set(d, radiometry.perDeviation / kLookAlike);
    const auto one = hn::Set(d, 1.0f), bias = hn::Set(d, radiometry.bias);
    RowVector weights[kParts];
    for (int k = 0; k < kParts; ++k) {
      auto all = hn::Zero(d);
      for (int j = 0; j < kSide; ++j) {
        const auto grey = hn::LoadU(d, ref.row(v + j - kEdgeSupport) + u - kEdgeSupport + k * rowLanes());
        const auto unlike = hn::Mul(hn::Sub(grey, centre), scale), y = hn::Add(one, hn::Mul(unlike, unlike));
        const auto w = hn::Div(hn::LoadU(d, nearness.of[j] + k * rowLanes()), hn::Mul(y, y));
        const auto known = hn::Eq(unlike, unlike);  // missing: NaN
        grey_[j][k] = hn::IfThenElseZero(known, hn::Sub(grey, bias));
        weight_[j][k] = hn::IfThenElseZero(known, w);
        all = hn::Add(all, weight_[j][k]);
      }
      weights[k] = all;
    }
    all_ = sumOf(weights);
  }

  // E(p, d) of the header, of the match with column x + t, 0 <= t < 1, of the secondary's row v.
  float misfit(const Padded& sec, int x, int v, float t) const {
    const Row d;
    RowVector sums[kParts];
    const Interpolation at(t);
    for (int k = 0; k < kParts; ++k) {
      sums[k] = hn::Zero(d);
      for (int j = 0; j < kSide; ++j) sums[k] = hn::Add(sums[k], hn::Mul(weight_[j][k], held(deviation(sec, at, x, v, j, k))));
    }
    // Mostly nothing is missing in the secondary, and all weights count.
    const float sum = sumOf(sums);
    if (std::isnan(sum)) return misfitOfKnown(sec, at, x, v);
    return all_ > 0 ? sum / all_ : kInfinity;
  }

 private:
  static constexpr int kParts = kLanes / static_cast<int>(hn::MaxLanes(Row()));

  // Cubic (Keys, 1981).
  struct Interpolation {
    explicit Interpolation(float t) : Interpolation(t, 1 - t) {}
    Interpolation(float t, float s)
        : of{hn::Set(Row(), -0.5f * t * s * s), hn::Set(Row(), 1 - t * t * (2.5f - 1.5f * t)),
             hn::Set(Row(), 1 - s * s * (2.5f - 1.5f * s)), hn::Set(Row(), -0.5f * s * t * t)} {}
    RowVector of[4];
  };

  // Of row j from column k rowLanes() on; NaN where the secondary is missing.
  HWY_INLINE RowVector deviation(const Padded& sec, const Interpolation& at, int x, int v, int j, int k) const {
    const Row d;
    const float* from = sec.row(v + j - kEdgeSupport) + x - kEdgeSupport - 1 + k * rowLanes();
    const auto first = hn::Add(hn::Mul(at.of[0], hn::LoadU(d, from)), hn::Mul(at.of[1], hn::LoadU(d, from + 1)));
    const auto value = hn::Add(hn::Add(first, hn::Mul(at.of[2], hn::LoadU(d, from + 2))), hn::Mul(at.of[3], hn::LoadU(d, from + 3)));
    const auto difference = hn::Sub(grey_[j][k], hn::Mul(hn::Set(d, gain_), value));
    return hn::Mul(hn::Abs(difference), hn::Set(d, perDeviation_));
  }
  // At most kMostDeviation; a missing deviation stays NaN.
  static HWY_INLINE RowVector held(RowVector deviation) {
    const auto most = hn::Set(Row(), kMostDeviation);
    return hn::IfThenElse(hn::Gt(deviation, most), most, deviation);
  }

  // The same over the pixels that the secondary has.
  HWY_NOINLINE float misfitOfKnown(const Padded& sec, const Interpolation& at, int x, int v) const {
    const Row d;
    RowVector sums[kParts], weights[kParts];
    for (int k = 0; k < kParts; ++k) {
      sums[k] = weights[k] = hn::Zero(d);
      for (int j = 0; j < kSide; ++j) {
        const auto there = held(deviation(sec, at, x, v, j, k));
        const auto known = hn::Eq(there, there);
        sums[k] = hn::Add(sums[k], hn::IfThenElseZero(known, hn::Mul(weight_[j][k], there)));
        weights[k] = hn::Add(weights[k], hn::IfThenElseZero(known, weight_[j][k]));
      }
    }
    const float weight = sumOf(weights);
    return weight > 0 ? sumOf(sums) / weight : kInfinity;
  }

  // Along the columns.
  static HWY_INLINE float sumOf(const RowVector* columns) {
    float of[kLanes];
    for (int k = 0; k < kParts; ++k) hn::StoreU(columns[k], Row(), of + k * rowLanes());
    float sum = 0;
    for (int i = 0; i < kSide; ++i) sum += of[i];
    return sum;
  }

  float gain_, perDeviation_, all_;
  RowVector grey_[kSide][kParts], weight_[kSide][kParts];
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
