// SPDX-License-Identifier: Apache-2.0
// Part of edges.cc, which includes it behind Highway, once per target: how well a disparity fits a pixel.
#if defined(ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#undef ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#else
#define ALTIPLANO_KERNELS_EDGES_SUPPORT_INL_H_
#endif

#include <cmath>
#include <vector>

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

// Where pixels would lie on the secondary's row, all that a row of pixels is tried with at once.
class Places {
 public:
  void clear() { count_ = 0; }
  // Pixel u with disparity d.
  void add(int u, float d) {
    if (count_ + lanes() > u_.size()) resize(2 * u_.size() + 8 * lanes());
    u_[count_] = u;
    disparity_[count_] = d;
    ++count_;
  }
  // To be called when all are added. Row y of the secondary will be read.
  void find(const Padded& sec, int secOffset, int secWidth, int y) {
    const hn::ScalableTag<float> df;
    const hn::RebindToSigned<decltype(df)> di;
    const auto one = hn::Set(df, 1.0f), half = hn::Set(df, -0.5f), a = hn::Set(df, 2.5f), b = hn::Set(df, 1.5f);
    for (size_t i = 0; i < count_; i += lanes()) {
      const auto d = hn::LoadU(df, disparity_.data() + i), whole = hn::Floor(d);
      const auto t = hn::Sub(d, whole), s = hn::Sub(one, t);
      const auto x = hn::Add(hn::Add(hn::LoadU(di, u_.data() + i), hn::ConvertTo(di, whole)), hn::Set(di, secOffset));
      const auto isOutside = hn::Or(hn::Lt(x, hn::Zero(di)), hn::Gt(x, hn::Set(di, secWidth - 1)));
      hn::StoreU(hn::IfThenElse(isOutside, hn::Set(di, -1), x), di, x_.data() + i);
      // Cubic interpolation (Keys, 1981).
      hn::StoreU(hn::Mul(hn::Mul(hn::Mul(half, t), s), s), df, weights_[0].data() + i);
      hn::StoreU(hn::Sub(one, hn::Mul(hn::Mul(t, t), hn::Sub(a, hn::Mul(b, t)))), df, weights_[1].data() + i);
      hn::StoreU(hn::Sub(one, hn::Mul(hn::Mul(s, s), hn::Sub(a, hn::Mul(b, s)))), df, weights_[2].data() + i);
      hn::StoreU(hn::Mul(hn::Mul(hn::Mul(half, s), t), t), df, weights_[3].data() + i);
    }
    // Both ends of what a misfit reads of its last row, which nothing above has read.
    const float* last = sec.row(y + kEdgeSupport);
    for (size_t i = 0; i < count_; ++i) {
      hwy::Prefetch(last + x_[i] - kEdgeSupport - 1);
      hwy::Prefetch(last + x_[i] + kEdgeSupport + 2);
    }
  }
  // Column of match i; -1: outside.
  int x(size_t i) const { return x_[i]; }
  float disparity(size_t i) const { return disparity_[i]; }
  // Of column x + k - 1.
  float weight(int k, size_t i) const { return weights_[k][i]; }

 private:
  static size_t lanes() { return hn::Lanes(hn::ScalableTag<float>()); }
  void resize(size_t size) {
    u_.resize(size), x_.resize(size), disparity_.resize(size);
    for (auto& w : weights_) w.resize(size);
  }
  size_t count_ = 0;
  std::vector<int32_t> u_, x_;
  std::vector<float> disparity_, weights_[4];
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

  // E(p, d) of the header, of the match at place i of the secondary's row v.
  float misfit(const Padded& sec, int v, const Places& places, size_t i) const {
    const int x = places.x(i);
    if (x < 0) return kInfinity;
    const Row d;
    const RowVector at[4] = {hn::Set(d, places.weight(0, i)), hn::Set(d, places.weight(1, i)), hn::Set(d, places.weight(2, i)),
                             hn::Set(d, places.weight(3, i))};
    RowVector sums[kParts];
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

  // Of row j from column k rowLanes() on; NaN where the secondary is missing.
  HWY_INLINE RowVector deviation(const Padded& sec, const RowVector* at, int x, int v, int j, int k) const {
    const Row d;
    const float* from = sec.row(v + j - kEdgeSupport) + x - kEdgeSupport - 1 + k * rowLanes();
    const auto first = hn::Add(hn::Mul(at[0], hn::LoadU(d, from)), hn::Mul(at[1], hn::LoadU(d, from + 1)));
    const auto value = hn::Add(hn::Add(first, hn::Mul(at[2], hn::LoadU(d, from + 2))), hn::Mul(at[3], hn::LoadU(d, from + 3)));
    const auto difference = hn::Sub(grey_[j][k], hn::Mul(hn::Set(d, gain_), value));
    return hn::Mul(hn::Abs(difference), hn::Set(d, perDeviation_));
  }
  // At most kMostDeviation; a missing deviation stays NaN.
  static HWY_INLINE RowVector held(RowVector deviation) {
    const auto most = hn::Set(Row(), kMostDeviation);
    return hn::IfThenElse(hn::Gt(deviation, most), most, deviation);
  }

  // The same over the pixels that the secondary has.
  HWY_NOINLINE float misfitOfKnown(const Padded& sec, const RowVector* at, int x, int v) const {
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
