// SPDX-License-Identifier: Apache-2.0
// Part of refine.cc, which includes it behind Highway, once per target: step 1 of the header, the planes fitted to disparities.
#if defined(ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#undef ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#else
#define ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#endif

#include <array>

#include "fraction_weights.h"
#include "refine.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kNear = kHops[0], kFar = kHops[1];
// Steps along rows start this far in front of a strip, so that vectors of its columns lie on cache lines.
constexpr int kLead = 16;
static_assert(kLead >= kRefineRadius + kFar);

// What is constant over the block.
struct Setup {
  RefineOptions options;
  float tightness[2];  // t / similarity^2 of the header's weights
  FractionWeights fractions;
  float refBase, secBase;
};

// Rows of several quantities.
template <int quantities>
using Rows = std::array<float*, quantities>;

template <class D, class V>
V weightOf(D df, const Setup& setup, int hop, V e) {
  const V y = hn::Sub(hn::Set(df, kNearness[hop]), hn::Mul(hn::Mul(e, e), hn::Set(df, setup.tightness[hop])));
  const V positive = hn::Max(y, hn::Zero(df));
  return hn::Mul(positive, positive);
}

// Sums of 1, x, x^2, z, x z; after those along rows also y, x y, y^2, y z.
enum PlaneMoment { kPlaneN, kPlaneX, kPlaneXx, kPlaneZ, kPlaneXz, kPlaneY, kPlaneXy, kPlaneYy, kPlaneYz };
constexpr int kPlaneRowMoments = 5, kPlaneMoments = 9;

// A neighbour's sums, at their weight, counted from a disparity `e` below.
template <class D>
struct PlaneSide {
  using V = hn::Vec<D>;
  V e, w, n, x, xx, z, xz;
  PlaneSide(D df, const Setup& setup, int hop, V difference, const Rows<kPlaneRowMoments>& from, int u)
      : e(difference), w(weightOf(df, setup, hop, difference)) {
    const auto load = [&](PlaneMoment m) HWY_ATTR { return hn::LoadU(df, from[m] + u); };
    const V rawN = load(kPlaneN), rawX = load(kPlaneX);
    n = hn::Mul(w, rawN);
    x = hn::Mul(w, rawX);
    xx = hn::Mul(w, load(kPlaneXx));
    z = hn::Mul(w, hn::Add(load(kPlaneZ), hn::Mul(e, rawN)));
    xz = hn::Mul(w, hn::Add(load(kPlaneXz), hn::Mul(e, rawX)));
  }
};

// Step 1 along a row: columns first ... last of `to`, of which the first kLead - kRadius aren't needed; `near`: the first hop's.
// Sums of missing pixels weigh nothing later on: vectors of these alone stay what they were, which is finite.
template <class D>
void sumPlaneRow(D df, const Setup& setup, const float* d, int first, int last, const Rows<kPlaneRowMoments>& near,
                 const Rows<kPlaneRowMoments>& to) {
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto far = hn::Set(df, kFarPx);
  for (int u = first; u < last + kFar; u += lanes) {
    const auto d0 = hn::LoadU(df, d + u);
    if (hn::AllTrue(df, hn::Eq(d0, far))) continue;
    const auto left = hn::Sub(hn::LoadU(df, d + u - kNear), d0), right = hn::Sub(hn::LoadU(df, d + u + kNear), d0);
    const auto wLeft = weightOf(df, setup, 0, left), wRight = weightOf(df, setup, 0, right);
    const auto zLeft = hn::Mul(wLeft, left), zRight = hn::Mul(wRight, right), both = hn::Add(wLeft, wRight);
    static_assert(kNear == 1);
    hn::StoreU(hn::Add(hn::Set(df, 1.0f), both), df, near[kPlaneN] + u);
    hn::StoreU(hn::Sub(wRight, wLeft), df, near[kPlaneX] + u);
    hn::StoreU(both, df, near[kPlaneXx] + u);
    hn::StoreU(hn::Add(zLeft, zRight), df, near[kPlaneZ] + u);
    hn::StoreU(hn::Sub(zRight, zLeft), df, near[kPlaneXz] + u);
  }
  const auto k = hn::Set(df, static_cast<float>(kFar)), twoK = hn::Set(df, 2.0f * kFar), square = hn::Set(df, static_cast<float>(kFar * kFar));
  for (int u = first; u < last; u += lanes) {
    const auto d0 = hn::LoadU(df, d + u);
    if (hn::AllTrue(df, hn::Eq(d0, far))) continue;
    const PlaneSide<D> a(df, setup, 1, hn::Sub(hn::LoadU(df, d + u - kFar), d0), near, u - kFar);
    const PlaneSide<D> b(df, setup, 1, hn::Sub(hn::LoadU(df, d + u + kFar), d0), near, u + kFar);
    const auto add = [&](PlaneMoment m, auto change) HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(df, near[m] + u), change), df, to[m] + u); };
    const auto n = hn::Add(a.n, b.n);
    add(kPlaneN, n);
    add(kPlaneZ, hn::Add(a.z, b.z));
    add(kPlaneX, hn::Add(hn::Add(a.x, b.x), hn::Mul(k, hn::Sub(b.n, a.n))));
    add(kPlaneXx, hn::Add(hn::Add(a.xx, b.xx), hn::Add(hn::Mul(twoK, hn::Sub(b.x, a.x)), hn::Mul(square, n))));
    add(kPlaneXz, hn::Add(hn::Add(a.xz, b.xz), hn::Mul(k, hn::Sub(b.z, a.z))));
  }
}

// Step 1, with the rows above and below. d: three rows of disparities, `from` of sums along rows.
template <class D>
void sumPlaneRows(D df, const Setup& setup, const Rows<3>& d, const std::array<Rows<kPlaneRowMoments>, 3>& from, int first, int last,
                  const Rows<kPlaneMoments>& to) {
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d[1] + u);
    if (hn::AllTrue(df, hn::Eq(d0, hn::Set(df, kFarPx)))) continue;
    const PlaneSide<D> a(df, setup, 0, hn::Sub(hn::LoadU(df, d[0] + u), d0), from[0], u);
    const PlaneSide<D> b(df, setup, 0, hn::Sub(hn::LoadU(df, d[2] + u), d0), from[2], u);
    const auto add = [&](PlaneMoment m, auto change) HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(df, from[1][m] + u), change), df, to[m] + u); };
    const auto n = hn::Add(a.n, b.n);
    add(kPlaneN, n);
    add(kPlaneX, hn::Add(a.x, b.x));
    add(kPlaneXx, hn::Add(a.xx, b.xx));
    add(kPlaneZ, hn::Add(a.z, b.z));
    add(kPlaneXz, hn::Add(a.xz, b.xz));
    hn::StoreU(hn::Sub(b.n, a.n), df, to[kPlaneY] + u);
    hn::StoreU(hn::Sub(b.x, a.x), df, to[kPlaneXy] + u);
    hn::StoreU(n, df, to[kPlaneYy] + u);
    hn::StoreU(hn::Sub(b.z, a.z), df, to[kPlaneYz] + u);
  }
}

// Step 1's end, with the rows three above and below: D and the slopes of P.
template <class D>
void fitPlanes(D df, const Setup& setup, const Rows<3>& d, const std::array<Rows<kPlaneMoments>, 3>& from, int first, int last,
               float* smooth, float* slopeX, float* slopeY) {
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  const auto k = hn::Set(df, static_cast<float>(kFar)), twoK = hn::Set(df, 2.0f * kFar), square = hn::Set(df, static_cast<float>(kFar * kFar));
  const auto rowPart = [](const Rows<kPlaneMoments>& rows) {
    return Rows<kPlaneRowMoments>{rows[kPlaneN], rows[kPlaneX], rows[kPlaneXx], rows[kPlaneZ], rows[kPlaneXz]};
  };
  const auto above = rowPart(from[0]), below = rowPart(from[2]);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d[1] + u);
    const auto missing = hn::Eq(d0, far);
    if (hn::AllTrue(df, missing)) {
      hn::StoreU(far, df, smooth + u);
      hn::StoreU(zero, df, slopeX + u);
      continue;
    }
    const PlaneSide<D> a(df, setup, 1, hn::Sub(hn::LoadU(df, d[0] + u), d0), above, u);
    const PlaneSide<D> b(df, setup, 1, hn::Sub(hn::LoadU(df, d[2] + u), d0), below, u);
    const auto load = [&](PlaneMoment m, size_t j) HWY_ATTR { return hn::LoadU(df, from[j][m] + u); };
    const auto aY = load(kPlaneY, 0), bY = load(kPlaneY, 2), bothN = hn::Add(a.n, b.n);
    const auto wyA = hn::Mul(a.w, aY), wyB = hn::Mul(b.w, bY);
    const auto n = hn::Add(load(kPlaneN, 1), bothN), x1 = hn::Add(load(kPlaneX, 1), hn::Add(a.x, b.x));
    const auto xx = hn::Add(load(kPlaneXx, 1), hn::Add(a.xx, b.xx)), z1 = hn::Add(load(kPlaneZ, 1), hn::Add(a.z, b.z));
    const auto xz = hn::Add(load(kPlaneXz, 1), hn::Add(a.xz, b.xz));
    const auto y1 = hn::Add(load(kPlaneY, 1), hn::Add(hn::Add(wyA, wyB), hn::Mul(k, hn::Sub(b.n, a.n))));
    const auto bothXy = hn::Add(hn::Mul(a.w, load(kPlaneXy, 0)), hn::Mul(b.w, load(kPlaneXy, 2)));
    const auto xy = hn::Add(load(kPlaneXy, 1), hn::Add(bothXy, hn::Mul(k, hn::Sub(b.x, a.x))));
    const auto bothYy = hn::Add(hn::Mul(a.w, load(kPlaneYy, 0)), hn::Mul(b.w, load(kPlaneYy, 2)));
    const auto shiftedYy = hn::Add(hn::Mul(twoK, hn::Sub(wyB, wyA)), hn::Mul(square, bothN));
    const auto yy = hn::Add(load(kPlaneYy, 1), hn::Add(bothYy, shiftedYy));
    const auto bothYz = hn::Add(hn::Mul(a.w, hn::Add(load(kPlaneYz, 0), hn::Mul(a.e, aY))),
                                hn::Mul(b.w, hn::Add(load(kPlaneYz, 2), hn::Mul(b.e, bY))));
    const auto yz = hn::Add(load(kPlaneYz, 1), hn::Add(bothYz, hn::Mul(k, hn::Sub(b.z, a.z))));
    const auto damping = hn::Set(df, kSlopeDamping), perN = hn::Div(one, n);
    const auto mx = hn::Mul(x1, perN), my = hn::Mul(y1, perN), mz = hn::Mul(z1, perN);
    const auto varX = hn::Add(hn::Sub(xx, hn::Mul(x1, mx)), damping), varY = hn::Add(hn::Sub(yy, hn::Mul(y1, my)), damping);
    const auto covXy = hn::Sub(xy, hn::Mul(x1, my)), covXz = hn::Sub(xz, hn::Mul(x1, mz));
    const auto covYz = hn::Sub(yz, hn::Mul(y1, mz));
    const auto perDeterminant = hn::Div(one, hn::Sub(hn::Mul(varX, varY), hn::Mul(covXy, covXy)));
    const auto sx = hn::Mul(hn::Sub(hn::Mul(covXz, varY), hn::Mul(covYz, covXy)), perDeterminant);
    const auto sy = hn::Mul(hn::Sub(hn::Mul(covYz, varX), hn::Mul(covXz, covXy)), perDeterminant);
    const auto change = hn::Sub(hn::Sub(mz, hn::Mul(sx, mx)), hn::Mul(sy, my));
    hn::StoreU(hn::IfThenElse(missing, far, hn::Add(d0, change)), df, smooth + u);
    hn::StoreU(hn::IfThenElse(missing, zero, sx), df, slopeX + u);
    hn::StoreU(hn::IfThenElse(missing, zero, sy), df, slopeY + u);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
