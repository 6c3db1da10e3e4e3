// SPDX-License-Identifier: Apache-2.0
// Part of refine.cc, which includes it behind Highway, once per target: step 1 of the header, the planes fitted to disparities.
#if defined(ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#undef ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#else
#define ALTIPLANO_KERNELS_REFINE_PLANES_INL_H_
#endif

#include <algorithm>
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

// Rows of disparities or the like.
template <int count>
using Rows = std::array<const float*, count>;

// A row's sums of several moments. For each vector of pixels the moments' vectors lie behind each other, so that a row is one stream
// of memory however many moments there are, and one pointer.
template <int moments>
class SumsRow {
 public:
  explicit SumsRow(float* first) : first_(first) {}
  // Of pixels u, u + 1 ..., where u counts whole vectors.
  template <class D>
  hn::Vec<D> load(D df, int moment, int u) const {
    return hn::Load(df, at(df, moment, u));
  }
  template <class D>
  void store(D df, int moment, int u, hn::Vec<D> sums) const {
    hn::Store(sums, df, at(df, moment, u));
  }

 private:
  template <class D>
  float* at(D df, int moment, int u) const {
    return first_ + u * moments + moment * static_cast<int>(hn::Lanes(df));
  }
  float* first_;
};

// The first hop's sums of a piece of a row and of some pixels on both sides, one moment behind the other: the second hop reads them at any
// column. A piece's sums stay in the first cache.
constexpr int kPiece = 256;
template <int moments>
class NearSums {
 public:
  static constexpr int kStride = kPiece + 3 * kLead;
  // memory: for kStride x moments, finite.
  explicit NearSums(float* memory) : first_(memory + kLead) {}
  // Of pixels u, u + 1 ... from the piece's first.
  template <class D>
  hn::Vec<D> load(D df, int moment, int u) const {
    return hn::LoadU(df, first_ + moment * kStride + u);
  }
  template <class D>
  void store(D df, int moment, int u, hn::Vec<D> sums) const {
    hn::Store(sums, df, first_ + moment * kStride + u);
  }
  // Moves on to the next piece, on whose left side these sums' end is.
  void next() const {
    for (int moment = 0; moment < moments; ++moment) {
      float* const row = first_ + moment * kStride;
      std::copy_n(row + kPiece - kLead, 2 * kLead, row - kLead);
    }
  }

 private:
  float* first_;
};

// Calls near(piece, u) and then far(piece, u) for the vectors of each piece of columns first ... last, `near` from
// `lead` columns before to kFar columns behind; u counts from `piece`, the piece's first column.
template <int moments, class Near, class Far>
void forPieces(int lanes, int first, int last, int lead, const NearSums<moments>& sums, Near near, Far far) {
  int done = first - lead;  // near's columns
  for (int piece = first; piece < last; piece += kPiece) {
    if (piece > first) sums.next();
    const int end = std::min(piece + kPiece, last);
    for (; done < end + kFar; done += lanes) near(piece, done - piece);
    for (int u = piece; u < end; u += lanes) far(piece, u - piece);
  }
}

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
  template <class Sums>
  PlaneSide(D df, const Setup& setup, int hop, V difference, const Sums& from, int u)
      : e(difference), w(weightOf(df, setup, hop, difference)) {
    const auto load = [&](PlaneMoment m) HWY_ATTR { return from.load(df, m, u); };
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
void sumPlaneRow(D df, const Setup& setup, const float* d, int first, int last, const NearSums<kPlaneRowMoments>& near,
                 const SumsRow<kPlaneRowMoments>& to) {
  const auto far = hn::Set(df, kFarPx);
  const auto addNear = [&](int piece, int u) HWY_ATTR {
    const float* from = d + piece + u;
    const auto d0 = hn::LoadU(df, from);
    if (hn::AllTrue(df, hn::Eq(d0, far))) return;
    const auto left = hn::Sub(hn::LoadU(df, from - kNear), d0), right = hn::Sub(hn::LoadU(df, from + kNear), d0);
    const auto wLeft = weightOf(df, setup, 0, left), wRight = weightOf(df, setup, 0, right);
    const auto zLeft = hn::Mul(wLeft, left), zRight = hn::Mul(wRight, right), both = hn::Add(wLeft, wRight);
    static_assert(kNear == 1);
    near.store(df, kPlaneN, u, hn::Add(hn::Set(df, 1.0f), both));
    near.store(df, kPlaneX, u, hn::Sub(wRight, wLeft));
    near.store(df, kPlaneXx, u, both);
    near.store(df, kPlaneZ, u, hn::Add(zLeft, zRight));
    near.store(df, kPlaneXz, u, hn::Sub(zRight, zLeft));
  };
  const auto k = hn::Set(df, static_cast<float>(kFar)), twoK = hn::Set(df, 2.0f * kFar), square = hn::Set(df, static_cast<float>(kFar * kFar));
  const auto addFar = [&](int piece, int u) HWY_ATTR {
    const float* from = d + piece + u;
    const auto d0 = hn::LoadU(df, from);
    if (hn::AllTrue(df, hn::Eq(d0, far))) return;
    const PlaneSide<D> a(df, setup, 1, hn::Sub(hn::LoadU(df, from - kFar), d0), near, u - kFar);
    const PlaneSide<D> b(df, setup, 1, hn::Sub(hn::LoadU(df, from + kFar), d0), near, u + kFar);
    const auto add = [&](PlaneMoment m, auto change) HWY_ATTR { to.store(df, m, piece + u, hn::Add(near.load(df, m, u), change)); };
    const auto n = hn::Add(a.n, b.n);
    add(kPlaneN, n);
    add(kPlaneZ, hn::Add(a.z, b.z));
    add(kPlaneX, hn::Add(hn::Add(a.x, b.x), hn::Mul(k, hn::Sub(b.n, a.n))));
    add(kPlaneXx, hn::Add(hn::Add(a.xx, b.xx), hn::Add(hn::Mul(twoK, hn::Sub(b.x, a.x)), hn::Mul(square, n))));
    add(kPlaneXz, hn::Add(hn::Add(a.xz, b.xz), hn::Mul(k, hn::Sub(b.z, a.z))));
  };
  forPieces(static_cast<int>(hn::Lanes(df)), first, last, 0, near, addNear, addFar);
}

// Step 1, with the rows above and below. d: three rows of disparities, `from` of sums along rows.
template <class D>
void sumPlaneRows(D df, const Setup& setup, const Rows<3>& d, const std::array<SumsRow<kPlaneRowMoments>, 3>& from, int first,
                  int last, const SumsRow<kPlaneMoments>& to) {
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d[1] + u);
    if (hn::AllTrue(df, hn::Eq(d0, hn::Set(df, kFarPx)))) continue;
    const PlaneSide<D> a(df, setup, 0, hn::Sub(hn::LoadU(df, d[0] + u), d0), from[0], u);
    const PlaneSide<D> b(df, setup, 0, hn::Sub(hn::LoadU(df, d[2] + u), d0), from[2], u);
    const auto add = [&](PlaneMoment m, auto change) HWY_ATTR { to.store(df, m, u, hn::Add(from[1].load(df, m, u), change)); };
    const auto n = hn::Add(a.n, b.n);
    add(kPlaneN, n);
    add(kPlaneX, hn::Add(a.x, b.x));
    add(kPlaneXx, hn::Add(a.xx, b.xx));
    add(kPlaneZ, hn::Add(a.z, b.z));
    add(kPlaneXz, hn::Add(a.xz, b.xz));
    to.store(df, kPlaneY, u, hn::Sub(b.n, a.n));
    to.store(df, kPlaneXy, u, hn::Sub(b.x, a.x));
    to.store(df, kPlaneYy, u, n);
    to.store(df, kPlaneYz, u, hn::Sub(b.z, a.z));
  }
}

// Step 1's end, with the rows three above and below: D and the slopes of P.
template <class D>
void fitPlanes(D df, const Setup& setup, const Rows<3>& d, const std::array<SumsRow<kPlaneMoments>, 3>& from, int first, int last,
               float* smooth, float* slopeX, float* slopeY) {
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  const auto k = hn::Set(df, static_cast<float>(kFar)), twoK = hn::Set(df, 2.0f * kFar), square = hn::Set(df, static_cast<float>(kFar * kFar));
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d[1] + u);
    const auto missing = hn::Eq(d0, far);
    if (hn::AllTrue(df, missing)) {
      hn::StoreU(far, df, smooth + u);
      hn::StoreU(zero, df, slopeX + u);
      continue;
    }
    const PlaneSide<D> a(df, setup, 1, hn::Sub(hn::LoadU(df, d[0] + u), d0), from[0], u);
    const PlaneSide<D> b(df, setup, 1, hn::Sub(hn::LoadU(df, d[2] + u), d0), from[2], u);
    const auto load = [&](PlaneMoment m, size_t j) HWY_ATTR { return from[j].load(df, m, u); };
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
