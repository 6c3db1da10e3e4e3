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
    const int lanes = rowLanes();
    for (int j = 0; j < kSide; ++j) {
      const float* from = ref.row(v + j - kEdgeSupport) + u - kEdgeSupport;
      for (int i = 0; i < kLanes; i += lanes) {
        const auto grey = hn::LoadU(d, from + i), unlike = hn::Mul(hn::Sub(grey, centre), scale);
        const auto y = hn::Add(one, hn::Mul(unlike, unlike));
        const auto w = hn::Div(hn::LoadU(d, nearness.of[j] + i), hn::Mul(y, y));
        hn::StoreU(hn::Sub(grey, bias), d, grey_[j] + i);
        hn::StoreU(hn::IfThenElseZero(hn::Eq(w, w), w), d, weight_[j] + i);  // missing: NaN
      }
    }
  }

  // E(p, d) of the header, of the match with column x + t, 0 <= t < 1, of the secondary's row v.
  float misfit(const Padded& sec, int x, int v, float t) const {
    const Row d;
    const float s = 1 - t;
    // Cubic interpolation (Keys, 1981).
    const auto t0 = hn::Set(d, -0.5f * t * s * s), t1 = hn::Set(d, 1 - t * t * (2.5f - 1.5f * t));
    const auto t2 = hn::Set(d, 1 - s * s * (2.5f - 1.5f * s)), t3 = hn::Set(d, -0.5f * s * t * t);
    const auto gain = hn::Set(d, gain_), perDeviation = hn::Set(d, perDeviation_), most = hn::Set(d, kMostDeviation);
    float sums[kLanes], weights[kLanes];
    const int lanes = rowLanes();
    for (int i = 0; i < kLanes; i += lanes) {
      auto sum = hn::Zero(d), weight = sum;
      for (int j = 0; j < kSide; ++j) {
        const float* from = sec.row(v + j - kEdgeSupport) + x - kEdgeSupport - 1 + i;
        const auto first = hn::Add(hn::Mul(t0, hn::LoadU(d, from)), hn::Mul(t1, hn::LoadU(d, from + 1)));
        const auto value = hn::Add(hn::Add(first, hn::Mul(t2, hn::LoadU(d, from + 2))), hn::Mul(t3, hn::LoadU(d, from + 3)));
        const auto difference = hn::Sub(hn::LoadU(d, grey_[j] + i), hn::Mul(gain, value));
        const auto deviation = hn::Mul(hn::Abs(difference), perDeviation);
        const auto w = hn::IfThenElseZero(hn::Eq(deviation, deviation), hn::LoadU(d, weight_[j] + i));
        // A missing deviation, NaN, counts as the most.
        const auto held = hn::IfThenElse(hn::Lt(deviation, most), deviation, most);
        sum = hn::Add(sum, hn::Mul(w, held));
        weight = hn::Add(weight, w);
      }
      hn::StoreU(sum, d, sums + i);
      hn::StoreU(weight, d, weights + i);
    }
    float sum = 0, weight = 0;
    for (int i = 0; i < kSide; ++i) sum += sums[i], weight += weights[i];
    return weight > 0 ? sum / weight : kInfinity;
  }

 private:
  float gain_, perDeviation_;
  float grey_[kSide][kLanes], weight_[kSide][kLanes];
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
