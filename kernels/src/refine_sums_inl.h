// SPDX-License-Identifier: Apache-2.0
// Part of refine.cc, which includes it behind Highway, once per target: step 2 of the header, the sums of grey values and the shift that follows from them.
#if defined(ALTIPLANO_KERNELS_REFINE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_REFINE_SUMS_INL_H_
#undef ALTIPLANO_KERNELS_REFINE_SUMS_INL_H_
#else
#define ALTIPLANO_KERNELS_REFINE_SUMS_INL_H_
#endif

#include <array>

#include "refine.h"
#include "refine_planes_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums of 1, A, R, g and their products.
enum GreyMoment { kGreyN, kGreyA, kGreyR, kGreyG, kGreyAa, kGreyRr, kGreyGg, kGreyAr, kGreyGr, kGreyGa };
constexpr int kGreyMoments = 10;

template <class D>
struct GreySums {
  using V = hn::Vec<D>;
  V n, a, r, g, aa, rr, gg, ar, gr, ga;

  template <class Sums>
  GreySums(D df, const Sums& from, int u) {
    const auto load = [&](GreyMoment m) HWY_ATTR { return from.load(df, m, u); };
    n = load(kGreyN), a = load(kGreyA), r = load(kGreyR), g = load(kGreyG), aa = load(kGreyAa), rr = load(kGreyRr);
    gg = load(kGreyGg), ar = load(kGreyAr), gr = load(kGreyGr), ga = load(kGreyGa);
  }
  // The sums of one pixel.
  GreySums(D df, V warped, V grey, V gradient) : n(hn::Set(df, 1.0f)), a(warped), r(grey), g(gradient) {
    aa = hn::Mul(a, a), rr = hn::Mul(r, r), gg = hn::Mul(g, g), ar = hn::Mul(a, r), gr = hn::Mul(g, r), ga = hn::Mul(g, a);
  }

  // Adds one pixel's at weight w.
  void addPixel(V w, V warped, V grey, V gradient) {
    const V wa = hn::Mul(w, warped), wr = hn::Mul(w, grey), wg = hn::Mul(w, gradient);
    n = hn::Add(n, w);
    a = hn::Add(a, wa);
    r = hn::Add(r, wr);
    g = hn::Add(g, wg);
    aa = hn::Add(aa, hn::Mul(wa, warped));
    rr = hn::Add(rr, hn::Mul(wr, grey));
    gg = hn::Add(gg, hn::Mul(wg, gradient));
    ar = hn::Add(ar, hn::Mul(wa, grey));
    gr = hn::Add(gr, hn::Mul(wg, grey));
    ga = hn::Add(ga, hn::Mul(wg, warped));
  }

  // Adds a neighbour's at weight w, whose disparity lies e below this pixel's plane.
  template <class Sums>
  void add(D df, V w, V e, const Sums& from, int u) {
    const auto load = [&](GreyMoment m) HWY_ATTR { return from.load(df, m, u); };
    const V rowG = load(kGreyG), rowGg = load(kGreyGg), rowGr = load(kGreyGr), rowGa = load(kGreyGa);
    const V movedGa = hn::Add(rowGa, hn::Mul(e, rowGg));
    n = hn::Add(n, hn::Mul(w, load(kGreyN)));
    a = hn::Add(a, hn::Mul(w, hn::Add(load(kGreyA), hn::Mul(e, rowG))));
    r = hn::Add(r, hn::Mul(w, load(kGreyR)));
    g = hn::Add(g, hn::Mul(w, rowG));
    aa = hn::Add(aa, hn::Mul(w, hn::Add(load(kGreyAa), hn::Mul(e, hn::Add(rowGa, movedGa)))));
    rr = hn::Add(rr, hn::Mul(w, load(kGreyRr)));
    gg = hn::Add(gg, hn::Mul(w, rowGg));
    ar = hn::Add(ar, hn::Mul(w, hn::Add(load(kGreyAr), hn::Mul(e, rowGr))));
    gr = hn::Add(gr, hn::Mul(w, rowGr));
    ga = hn::Add(ga, hn::Mul(w, movedGa));
  }

  template <class Sums>
  void store(D df, const Sums& to, int u) const {
    const auto put = [&](GreyMoment m, V value) HWY_ATTR { to.store(df, m, u, value); };
    put(kGreyN, n), put(kGreyA, a), put(kGreyR, r), put(kGreyG, g), put(kGreyAa, aa), put(kGreyRr, rr);
    put(kGreyGg, gg), put(kGreyAr, ar), put(kGreyGr, gr), put(kGreyGa, ga);
  }
};

// Step 2 along a row: columns first ... last of `to`; `near`: the first hop's. What belongs to missing pixels weighs nothing later on; it is
// finite, for it is either computed from finite values or what it was.
template <class D>
void sumGreyRow(D df, const Setup& setup, const float* smooth, const float* slopeX, const float* warped, const float* grey,
                const float* gradient, int first, int last, const NearSums<kGreyMoments>& near, const SumsRow<kGreyMoments>& to) {
  const auto far = hn::Set(df, kFarPx);
  const auto belowPlane = [&](int u, int dx) HWY_ATTR {
    return hn::Add(hn::Sub(hn::LoadU(df, smooth + u), hn::LoadU(df, smooth + u + dx)),
                   hn::Mul(hn::LoadU(df, slopeX + u), hn::Set(df, static_cast<float>(dx))));
  };
  const auto addNear = [&](int piece, int column) HWY_ATTR {
    const int u = piece + column;
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth + u), far))) return;
    GreySums<D> sums(df, hn::LoadU(df, warped + u), hn::LoadU(df, grey + u), hn::LoadU(df, gradient + u));
    for (const int dx : {-kNear, kNear}) {
      const auto e = belowPlane(u, dx), g = hn::LoadU(df, gradient + u + dx);
      sums.addPixel(weightOf(df, setup, 0, e), hn::Add(hn::LoadU(df, warped + u + dx), hn::Mul(g, e)),
                    hn::LoadU(df, grey + u + dx), g);
    }
    sums.store(df, near, column);
  };
  const auto addFar = [&](int piece, int column) HWY_ATTR {
    const int u = piece + column;
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth + u), far))) return;
    GreySums<D> sums(df, near, column);
    for (const int dx : {-kFar, kFar}) {
      const auto e = belowPlane(u, dx);
      sums.add(df, weightOf(df, setup, 1, e), e, near, column + dx);
    }
    sums.store(df, to, u);
  };
  forPieces(static_cast<int>(hn::Lanes(df)), first, last, kLead, near, addNear, addFar);
}

// Step 2, with the rows at a hop's distance above and below: smooth: D of these three rows.
template <class D>
GreySums<D> withRows(D df, const Setup& setup, int hop, const Rows<3>& smooth, const float* slopeY,
                     const std::array<SumsRow<kGreyMoments>, 3>& from, int u) {
  GreySums<D> sums(df, from[1], u);
  const auto d0 = hn::LoadU(df, smooth[1] + u), slope = hn::LoadU(df, slopeY + u);
  for (const size_t j : {0, 2}) {
    const auto dy = hn::Set(df, static_cast<float>(j == 0 ? -kHops[hop] : kHops[hop]));
    const auto e = hn::Add(hn::Sub(d0, hn::LoadU(df, smooth[j] + u)), hn::Mul(slope, dy));
    sums.add(df, weightOf(df, setup, hop, e), e, from[j], u);
  }
  return sums;
}

template <class D>
void sumGreyRows(D df, const Setup& setup, const Rows<3>& smooth, const float* slopeY,
                 const std::array<SumsRow<kGreyMoments>, 3>& from, int first, int last, const SumsRow<kGreyMoments>& to) {
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth[1] + u), hn::Set(df, kFarPx)))) continue;
    withRows(df, setup, 0, smooth, slopeY, from, u).store(df, to, u);
  }
}

// Step 2's end: the disparities that follow from the sums. d: d as it was, to leave what is missing missing.
template <class D>
void stepRow(D df, const Setup& setup, const Rows<3>& smooth, const float* slopeY,
             const std::array<SumsRow<kGreyMoments>, 3>& sums, const float* d, const float* start, int first, int last, float* next) {
  const RefineOptions& o = setup.options;
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, smooth[1] + u), from = hn::LoadU(df, start + u);
    const auto unstepped = hn::IfThenElse(hn::Eq(hn::LoadU(df, d + u), far), far, from);
    const auto missing = hn::Eq(d0, far);
    if (hn::AllTrue(df, missing)) {
      hn::StoreU(unstepped, df, next + u);
      continue;
    }
    const auto [n, a1, r1, g1, aa, rr, gg, ar, gr, ga] = withRows(df, setup, 1, smooth, slopeY, sums, u);
    const auto perN = hn::Div(one, n);
    const auto ma = hn::Mul(a1, perN), mr = hn::Mul(r1, perN), mg = hn::Mul(g1, perN);
    const auto varA = hn::Sub(aa, hn::Mul(a1, ma)), varR = hn::Sub(rr, hn::Mul(r1, mr)), varG = hn::Sub(gg, hn::Mul(g1, mg));
    const auto covAr = hn::Sub(ar, hn::Mul(a1, mr)), covGr = hn::Sub(gr, hn::Mul(g1, mr)), covGa = hn::Sub(ga, hn::Mul(g1, ma));
    // Lanes that fail this may hold anything from here on, NaN included; they are put back at the end.
    const auto textured =
        hn::And(hn::And(hn::Gt(varA, zero), hn::Gt(varG, zero)), hn::And(hn::Gt(varR, zero), hn::Gt(covAr, zero)));
    const auto gain = hn::Min(hn::Max(hn::Sqrt(hn::Div(varR, varA)), hn::Set(df, kMinGain)), hn::Set(df, kMaxGain));
    const auto delta = hn::Div(hn::Sub(covGr, hn::Mul(gain, covGa)), varG);
    const auto unexplained = hn::Sub(varR, hn::Mul(hn::Mul(hn::Set(df, 2.0f), gain), covAr));
    const auto residual = hn::Sub(hn::Add(unexplained, hn::Mul(hn::Mul(gain, gain), varA)),
                                  hn::Mul(hn::Mul(delta, delta), varG));
    const auto weighed = hn::Mul(n, varG);
    const auto information = hn::Mul(weighed, hn::Set(df, o.roughnessPx * o.roughnessPx));
    const auto trusted = hn::Mul(delta, hn::Div(information, hn::Add(information, hn::Max(residual, zero))));
    const auto step = hn::Min(hn::Max(trusted, hn::Set(df, -kMaxStepPx)), hn::Set(df, kMaxStepPx));
    const auto result = hn::Add(d0, step);
    const auto precise = hn::Lt(residual, hn::Mul(weighed, hn::Set(df, o.maxErrorPx * o.maxErrorPx)));
    const auto close = hn::Le(hn::Abs(hn::Sub(result, from)), hn::Set(df, o.maxShiftPx));
    const auto accepted = hn::AndNot(missing, hn::And(textured, hn::And(precise, close)));
    hn::StoreU(hn::IfThenElse(accepted, result, unstepped), df, next + u);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
