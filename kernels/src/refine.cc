// SPDX-License-Identifier: Apache-2.0
#include "refine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "fraction_weights.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "refine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// One lane per pixel: neighbouring pixels of a row are refined together, so that every load is contiguous and no sum
// crosses lanes. The block is worked on in strips of columns, row by row, both steps of the header behind each other: rows
// of sums live in rings of a window's height, which stay in the first two caches.
//
//   columns of a strip    first - kRadius ... first + kStrip + kRadius: step 1 reaches beyond the strip by a radius
//   rows in work          step 1's rows of sums: y + kRadius;  its fits and W: y;  step 2's rows of sums: y;
//                         step 2's result: y - kRadius
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kRadius = kRefineRadius, kSide = 2 * kRefineRadius + 1;
constexpr int kStrip = 128;

// Rows v - kRadius ... v + kRadius of one quantity.
using WindowRows = std::array<const float*, kSide>;

// The last kSide rows of one quantity in a strip; column 0 is the strip's first.
class Ring {
 public:
  explicit Ring(int lanes) : rows_(kStrip + 2 * kRadius + 3 * lanes, kSide) {}
  float* row(int v) { return rows_.view().row((v + kSide) % kSide) + kRadius; }
  WindowRows around(int v) {
    WindowRows all;
    for (int j = 0; j < kSide; ++j) all[static_cast<size_t>(j)] = row(v + j - kRadius);
    return all;
  }

 private:
  Image<float> rows_;
};

// What is constant over the block.
struct Setup {
  RefineOptions options;
  float tightness[kRadius + 1];  // t / similarity^2 of the header's weights
  FractionWeights fractions;
  float refBase, secBase;
};

// Full-size images with 2 kRadius columns in front and behind, more for whole vectors, and kRadius rows above and below.
struct Planes {
  static constexpr int kMargin = 2 * kRadius;
  Planes(int width, int height, int secWidth, int lanes)
      : secMargin(2 * lanes + kTaps),
        start(width + 2 * kMargin + 2 * lanes, height + 2 * kRadius),
        disparity(start.width(), start.height()),
        next(start.width(), start.height()),
        grey(start.width(), start.height()),
        gradient(start.width(), start.height()),
        secondary(secWidth + 2 * secMargin, height) {}
  static float* row(Image<float>& image, int v) { return image.view().row(v + kRadius) + kMargin; }
  float* secondaryRow(int v) { return secondary.view().row(v) + secMargin; }
  int secMargin;
  Image<float> start;      // the disparities given
  Image<float> disparity;  // d, kFarPx where it or g does not exist
  Image<float> next;
  Image<float> grey;      // R
  Image<float> gradient;  // g
  Image<float> secondary;  // S, NaN where there are no data, with margins for whole vectors
};

template <class D, class V>
V weightOf(D df, const Setup& setup, int k, V e) {
  const V y = hn::Sub(hn::Set(df, nearness(k)), hn::Mul(hn::Mul(e, e), hn::Set(df, setup.tightness[k])));
  const V positive = hn::Max(y, hn::Zero(df));
  return hn::Mul(positive, positive);
}

enum PlaneMoment { kPlaneN, kPlaneX, kPlaneXx, kPlaneZ, kPlaneXz, kPlaneMoments };

// Of step 1: rows of weighted sums of 1, x, x^2, z, x z about each pixel.
template <class D>
void sumPlaneRow(D df, const Setup& setup, const float* d, int first, int last, float* const (&to)[kPlaneMoments]) {
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d + u);
    auto n = hn::Set(df, 1.0f), x1 = hn::Zero(df), xx = x1, z1 = x1, xz = x1;
    for (int k = 1; k <= kRadius; ++k) {
      const auto left = hn::Sub(hn::LoadU(df, d + u - k), d0), right = hn::Sub(hn::LoadU(df, d + u + k), d0);
      const auto wLeft = weightOf(df, setup, k, left), wRight = weightOf(df, setup, k, right);
      const auto both = hn::Add(wLeft, wRight), zLeft = hn::Mul(wLeft, left), zRight = hn::Mul(wRight, right);
      const auto x = hn::Set(df, static_cast<float>(k)), square = hn::Set(df, static_cast<float>(k * k));
      n = hn::Add(n, both);
      x1 = hn::Add(x1, hn::Mul(x, hn::Sub(wRight, wLeft)));
      xx = hn::Add(xx, hn::Mul(square, both));
      z1 = hn::Add(z1, hn::Add(zLeft, zRight));
      xz = hn::Add(xz, hn::Mul(x, hn::Sub(zRight, zLeft)));
    }
    hn::StoreU(n, df, to[kPlaneN] + u);
    hn::StoreU(x1, df, to[kPlaneX] + u);
    hn::StoreU(xx, df, to[kPlaneXx] + u);
    hn::StoreU(z1, df, to[kPlaneZ] + u);
    hn::StoreU(xz, df, to[kPlaneXz] + u);
  }
}

// Of step 1: D and the slopes of P. d: the disparities' rows.
template <class D>
void fitPlanes(D df, const Setup& setup, const WindowRows& d, const WindowRows (&sums)[kPlaneMoments], int first, int last,
               float* smooth, float* slopeX, float* slopeY) {
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, d[kRadius] + u);
    const auto missing = hn::Eq(d0, far);
    if (hn::AllTrue(df, missing)) {
      hn::StoreU(far, df, smooth + u);
      hn::StoreU(zero, df, slopeX + u);
      continue;
    }
    auto n = hn::LoadU(df, sums[kPlaneN][kRadius] + u), x1 = hn::LoadU(df, sums[kPlaneX][kRadius] + u);
    auto xx = hn::LoadU(df, sums[kPlaneXx][kRadius] + u), z1 = hn::LoadU(df, sums[kPlaneZ][kRadius] + u);
    auto xz = hn::LoadU(df, sums[kPlaneXz][kRadius] + u);
    auto y1 = zero, xy = zero, yy = zero, yz = zero;
    for (int k = 1; k <= kRadius; ++k) {
      const size_t above = static_cast<size_t>(kRadius - k), below = static_cast<size_t>(kRadius + k);
      const auto eUp = hn::Sub(hn::LoadU(df, d[above] + u), d0), eDown = hn::Sub(hn::LoadU(df, d[below] + u), d0);
      const auto wUp = weightOf(df, setup, k, eUp), wDown = weightOf(df, setup, k, eDown);
      const auto load = [&](PlaneMoment m, size_t j) HWY_ATTR { return hn::LoadU(df, sums[m][j] + u); };
      const auto rawNUp = load(kPlaneN, above), rawNDown = load(kPlaneN, below);
      const auto rawXUp = load(kPlaneX, above), rawXDown = load(kPlaneX, below);
      const auto nUp = hn::Mul(wUp, rawNUp), nDown = hn::Mul(wDown, rawNDown);
      const auto xUp = hn::Mul(wUp, rawXUp), xDown = hn::Mul(wDown, rawXDown);
      const auto zUp = hn::Mul(wUp, hn::Add(load(kPlaneZ, above), hn::Mul(eUp, rawNUp)));
      const auto zDown = hn::Mul(wDown, hn::Add(load(kPlaneZ, below), hn::Mul(eDown, rawNDown)));
      const auto xzUp = hn::Mul(wUp, hn::Add(load(kPlaneXz, above), hn::Mul(eUp, rawXUp)));
      const auto xzDown = hn::Mul(wDown, hn::Add(load(kPlaneXz, below), hn::Mul(eDown, rawXDown)));
      const auto y = hn::Set(df, static_cast<float>(k)), square = hn::Set(df, static_cast<float>(k * k));
      const auto nBoth = hn::Add(nUp, nDown);
      n = hn::Add(n, nBoth);
      x1 = hn::Add(x1, hn::Add(xUp, xDown));
      xx = hn::Add(xx, hn::Add(hn::Mul(wUp, load(kPlaneXx, above)), hn::Mul(wDown, load(kPlaneXx, below))));
      z1 = hn::Add(z1, hn::Add(zUp, zDown));
      xz = hn::Add(xz, hn::Add(xzUp, xzDown));
      y1 = hn::Add(y1, hn::Mul(y, hn::Sub(nDown, nUp)));
      xy = hn::Add(xy, hn::Mul(y, hn::Sub(xDown, xUp)));
      yy = hn::Add(yy, hn::Mul(square, nBoth));
      yz = hn::Add(yz, hn::Mul(y, hn::Sub(zDown, zUp)));
    }
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

// W of a row, and D := kFarPx where it is missing. sec: the secondary's row, NaN where data are missing and in the margins;
// column: of the secondary at disparity 0 and u = 0. Pixels of one whole disparity read side by side:
// there are as many rounds of loads as there are different ones in a vector, one or two mostly.
template <class D>
void warpRow(D df, const Setup& setup, const float* sec, int secWidth, int column, int first, int last, float* smooth,
             float* warped) {
  const auto zero = hn::Zero(df), far = hn::Set(df, kFarPx);
  const int lanes = static_cast<int>(hn::Lanes(df));
  HWY_ALIGN float wholes[hn::MaxLanes(df)];
  for (int u = first; u < last; u += lanes) {
    const auto d = hn::LoadU(df, smooth + u), whole = hn::Floor(d);
    const auto x = hn::Add(hn::Iota(df, static_cast<float>(column + u)), whole);
    const auto inside = hn::And(hn::Ge(x, hn::Set(df, static_cast<float>(kTapsBefore))),
                                hn::Lt(x, hn::Set(df, static_cast<float>(secWidth - kTapsAfter))));
    auto left = inside;
    decltype(hn::Zero(df)) taps[kTaps] = {zero, zero, zero, zero, zero, zero, zero, zero};
    hn::Store(whole, df, wholes);
    while (!hn::AllFalse(df, left)) {
      const float now = wholes[hn::FindFirstTrue(df, left)];
      const auto here = hn::And(left, hn::Eq(whole, hn::Set(df, now)));
      const float* from = sec + column + u + static_cast<int>(now) - kTapsBefore;
      for (int i = 0; i < kTaps; ++i) taps[i] = hn::IfThenElse(here, hn::LoadU(df, from + i), taps[i]);
      left = hn::AndNot(here, left);
    }
    const auto s = hn::Sub(hn::Sub(d, whole), hn::Set(df, 0.5f)), z = hn::Mul(s, s);
    auto even = zero, odd = zero;
    for (int i = 0; i < kTapPairs; ++i) {
      const auto at = [&](const float (&c)[3]) HWY_ATTR {
        return hn::Add(hn::Set(df, c[0]), hn::Mul(z, hn::Add(hn::Set(df, c[1]), hn::Mul(z, hn::Set(df, c[2])))));
      };
      even = hn::Add(even, hn::Mul(at(setup.fractions.even[i]), hn::Add(taps[i], taps[kTaps - 1 - i])));
      odd = hn::Add(odd, hn::Mul(at(setup.fractions.odd[i]), hn::Sub(taps[i], taps[kTaps - 1 - i])));
    }
    const auto value = hn::Add(even, hn::Mul(s, odd));
    const auto usable = hn::And(inside, hn::Eq(value, value));  // not NaN
    hn::StoreU(hn::IfThenElse(usable, d, far), df, smooth + u);
    hn::StoreU(hn::IfThenElse(usable, value, zero), df, warped + u);
  }
}

enum GreyMoment { kGreyN, kGreyA, kGreyR, kGreyG, kGreyAa, kGreyRr, kGreyGg, kGreyAr, kGreyGr, kGreyGa, kGreyMoments };

// Of step 2: rows of weighted sums of 1, A, R, g and their products about each pixel, A after the row's own plane.
template <class D>
void sumGreyRow(D df, const Setup& setup, const float* smooth, const float* slopeX, const float* warped, const float* grey,
                const float* gradient, int first, int last, float* const (&to)[kGreyMoments]) {
  const auto far = hn::Set(df, kFarPx);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, smooth + u);
    // The sums of missing pixels weigh nothing, and what is in the ring is finite.
    if (hn::AllTrue(df, hn::Eq(d0, far))) continue;
    const auto slope = hn::LoadU(df, slopeX + u);
    auto n = hn::Set(df, 1.0f), a1 = hn::LoadU(df, warped + u), r1 = hn::LoadU(df, grey + u), g1 = hn::LoadU(df, gradient + u);
    auto aa = hn::Mul(a1, a1), rr = hn::Mul(r1, r1), gg = hn::Mul(g1, g1);
    auto ar = hn::Mul(a1, r1), gr = hn::Mul(g1, r1), ga = hn::Mul(g1, a1);
    const auto add = [&](int k, const float dx, int x) HWY_ATTR {
      const auto e = hn::Add(hn::Sub(d0, hn::LoadU(df, smooth + x)), hn::Mul(slope, hn::Set(df, dx)));
      const auto w = weightOf(df, setup, k, e);
      const auto g = hn::LoadU(df, gradient + x), r = hn::LoadU(df, grey + x);
      const auto a = hn::Add(hn::LoadU(df, warped + x), hn::Mul(g, e));
      const auto wa = hn::Mul(w, a), wr = hn::Mul(w, r), wg = hn::Mul(w, g);
      n = hn::Add(n, w);
      a1 = hn::Add(a1, wa);
      r1 = hn::Add(r1, wr);
      g1 = hn::Add(g1, wg);
      aa = hn::Add(aa, hn::Mul(wa, a));
      rr = hn::Add(rr, hn::Mul(wr, r));
      gg = hn::Add(gg, hn::Mul(wg, g));
      ar = hn::Add(ar, hn::Mul(wa, r));
      gr = hn::Add(gr, hn::Mul(wg, r));
      ga = hn::Add(ga, hn::Mul(wg, a));
    };
    for (int k = 1; k <= kRadius; ++k) {
      add(k, static_cast<float>(-k), u - k);
      add(k, static_cast<float>(k), u + k);
    }
    hn::StoreU(n, df, to[kGreyN] + u);
    hn::StoreU(a1, df, to[kGreyA] + u);
    hn::StoreU(r1, df, to[kGreyR] + u);
    hn::StoreU(g1, df, to[kGreyG] + u);
    hn::StoreU(aa, df, to[kGreyAa] + u);
    hn::StoreU(rr, df, to[kGreyRr] + u);
    hn::StoreU(gg, df, to[kGreyGg] + u);
    hn::StoreU(ar, df, to[kGreyAr] + u);
    hn::StoreU(gr, df, to[kGreyGr] + u);
    hn::StoreU(ga, df, to[kGreyGa] + u);
  }
}

// Of step 2: the disparities that follow from the sums. d: d as it was, to leave what is missing missing.
template <class D>
void stepRow(D df, const Setup& setup, const WindowRows& smooth, const WindowRows (&sums)[kGreyMoments], const float* slopeY,
             const float* d, const float* start, int first, int last, float* next) {
  const RefineOptions& o = setup.options;
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), far = hn::Set(df, kFarPx);
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    const auto d0 = hn::LoadU(df, smooth[kRadius] + u), from = hn::LoadU(df, start + u);
    const auto unstepped = hn::IfThenElse(hn::Eq(hn::LoadU(df, d + u), far), far, from);
    const auto missing = hn::Eq(d0, far);
    if (hn::AllTrue(df, missing)) {
      hn::StoreU(unstepped, df, next + u);
      continue;
    }
    const auto load = [&](GreyMoment m, size_t j) HWY_ATTR { return hn::LoadU(df, sums[m][j] + u); };
    auto n = load(kGreyN, kRadius), a1 = load(kGreyA, kRadius), r1 = load(kGreyR, kRadius), g1 = load(kGreyG, kRadius);
    auto aa = load(kGreyAa, kRadius), rr = load(kGreyRr, kRadius), gg = load(kGreyGg, kRadius);
    auto ar = load(kGreyAr, kRadius), gr = load(kGreyGr, kRadius), ga = load(kGreyGa, kRadius);
    const auto slope = hn::LoadU(df, slopeY + u);
    const auto add = [&](int k, const float dy, size_t j) HWY_ATTR {
      const auto e = hn::Add(hn::Sub(d0, hn::LoadU(df, smooth[j] + u)), hn::Mul(slope, hn::Set(df, dy)));
      const auto w = weightOf(df, setup, k, e);
      // The window's plane is e above the row's own.
      const auto rowG = load(kGreyG, j), rowGg = load(kGreyGg, j), rowGr = load(kGreyGr, j), rowGa = load(kGreyGa, j);
      const auto movedGa = hn::Add(rowGa, hn::Mul(e, rowGg));
      n = hn::Add(n, hn::Mul(w, load(kGreyN, j)));
      a1 = hn::Add(a1, hn::Mul(w, hn::Add(load(kGreyA, j), hn::Mul(e, rowG))));
      r1 = hn::Add(r1, hn::Mul(w, load(kGreyR, j)));
      g1 = hn::Add(g1, hn::Mul(w, rowG));
      aa = hn::Add(aa, hn::Mul(w, hn::Add(load(kGreyAa, j), hn::Mul(e, hn::Add(rowGa, movedGa)))));
      rr = hn::Add(rr, hn::Mul(w, load(kGreyRr, j)));
      gg = hn::Add(gg, hn::Mul(w, rowGg));
      ar = hn::Add(ar, hn::Mul(w, hn::Add(load(kGreyAr, j), hn::Mul(e, rowGr))));
      gr = hn::Add(gr, hn::Mul(w, rowGr));
      ga = hn::Add(ga, hn::Mul(w, movedGa));
    };
    for (int k = 1; k <= kRadius; ++k) {
      add(k, static_cast<float>(-k), static_cast<size_t>(kRadius - k));
      add(k, static_cast<float>(k), static_cast<size_t>(kRadius + k));
    }
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

// R, g and where both exist, of one row. padded: room for the row with kDerivativeRadius more on both sides.
void readReferenceRow(const RefineInput& in, float base, int v, float* padded, float* grey, float* gradient, float* disparity,
                      float* start) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const int width = in.ref.width;
  const float* from = in.ref.row(v);
  const uint8_t* valid = in.refValid.row(v);
  float* row = padded + kDerivativeRadius;
  for (int u = 0; u < width; ++u) row[u] = valid[u] != 0 ? from[u] : missing;
  for (int i = 1; i <= kDerivativeRadius; ++i) row[-i] = row[0], row[width - 1 + i] = row[width - 1];
  for (int u = 0; u < width; ++u) {
    float g = 0;
    for (int i = 1; i <= kDerivativeRadius; ++i) g += kDerivative[i - 1] * (row[u + i] - row[u - i]);
    const bool exists = g == g && row[u] == row[u] && start[u] == start[u];
    gradient[u] = exists ? g : 0.0f;
    grey[u] = exists ? row[u] - base : 0.0f;
    disparity[u] = exists ? start[u] : kFarPx;
  }
}

void readSecondaryRow(const RefineInput& in, float base, int v, int margin, float* to) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const float* from = in.sec.row(v);
  const uint8_t* valid = in.secValid.row(v);
  std::fill_n(to - margin, margin, missing);
  for (int x = 0; x < in.sec.width; ++x) to[x] = valid[x] != 0 ? from[x] - base : missing;
  std::fill_n(to + in.sec.width, margin, missing);
}

// One iteration: planes.disparity -> planes.next.
void iterate(const RefineInput& in, const Setup& setup, Planes& planes) {
  const hn::ScalableTag<float> df;
  const int width = in.ref.width, height = in.ref.height, secWidth = in.sec.width, lanes = static_cast<int>(hn::Lanes(df));
  Image<float> warped(kStrip + 2 * kRadius + 3 * lanes, 1);
  std::vector<Ring> planeSums, greySums;
  for (int m = 0; m < kPlaneMoments; ++m) planeSums.emplace_back(lanes);
  for (int m = 0; m < kGreyMoments; ++m) greySums.emplace_back(lanes);
  Ring smooth(lanes), slopeX(lanes), slopeY(lanes);
  for (int firstColumn = 0; firstColumn < width; firstColumn += kStrip) {
    const int columns = std::min(kStrip, width - firstColumn);
    // Columns from here on are counted from the strip's first.
    const auto rowOf = [&](Image<float>& image, int v) { return Planes::row(image, v) + firstColumn; };
    for (int ahead = -kRadius; ahead < height + 2 * kRadius; ++ahead) {
      if (ahead < height + kRadius) {
        float* to[kPlaneMoments];
        for (int m = 0; m < kPlaneMoments; ++m) to[m] = planeSums[static_cast<size_t>(m)].row(ahead);
        sumPlaneRow(df, setup, rowOf(planes.disparity, ahead), -kRadius, columns + kRadius, to);
      }
      const int y = ahead - kRadius;
      if (y < -kRadius) continue;
      if (y < 0 || y >= height) {
        std::fill_n(smooth.row(y) - kRadius, columns + 2 * kRadius, kFarPx);
      } else {
        WindowRows d, sums[kPlaneMoments];
        for (int j = 0; j < kSide; ++j) d[static_cast<size_t>(j)] = rowOf(planes.disparity, y + j - kRadius);
        for (int m = 0; m < kPlaneMoments; ++m) sums[m] = planeSums[static_cast<size_t>(m)].around(y);
        fitPlanes(df, setup, d, sums, -kRadius, columns + kRadius, smooth.row(y), slopeX.row(y), slopeY.row(y));
        warpRow(df, setup, planes.secondaryRow(y), secWidth, firstColumn + in.secOffset, -kRadius, columns + kRadius, smooth.row(y),
                warped.view().row(0) + kRadius);
        float* to[kGreyMoments];
        for (int m = 0; m < kGreyMoments; ++m) to[m] = greySums[static_cast<size_t>(m)].row(y);
        sumGreyRow(df, setup, smooth.row(y), slopeX.row(y), warped.view().row(0) + kRadius, rowOf(planes.grey, y),
                   rowOf(planes.gradient, y), 0, columns, to);
      }
      const int v = y - kRadius;
      if (v < 0) continue;
      WindowRows sums[kGreyMoments];
      for (int m = 0; m < kGreyMoments; ++m) sums[m] = greySums[static_cast<size_t>(m)].around(v);
      stepRow(df, setup, smooth.around(v), sums, slopeY.row(v), rowOf(planes.disparity, v), rowOf(planes.start, v), 0, columns,
              rowOf(planes.next, v));
    }
  }
}

void refineDisparitySimd(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity) {
  const int width = in.ref.width, height = in.ref.height;
  Setup setup{options, {}, fractionWeights(), greyBase(in.ref, in.refValid), greyBase(in.sec, in.secValid)};
  for (int k = 0; k <= kRadius; ++k) setup.tightness[k] = nearness(k) / (options.similarityPx * options.similarityPx);
  Planes planes(width, height, in.sec.width, static_cast<int>(hn::Lanes(hn::ScalableTag<float>())));
  for (Image<float>* image : {&planes.disparity, &planes.next}) {
    for (int v = 0; v < image->height(); ++v) std::fill_n(image->view().row(v), image->width(), kFarPx);
  }
  Image<float> padded(width + 2 * kDerivativeRadius, 1);
  for (int v = 0; v < height; ++v) {
    float* start = Planes::row(planes.start, v);
    std::memcpy(start, disparity.row(v), sizeof(float) * static_cast<size_t>(width));
    readReferenceRow(in, setup.refBase, v, padded.view().row(0), Planes::row(planes.grey, v), Planes::row(planes.gradient, v),
                     Planes::row(planes.disparity, v), start);
    readSecondaryRow(in, setup.secBase, v, planes.secMargin, planes.secondaryRow(v));
  }
  for (int round = 0; round < options.iterations; ++round) {
    iterate(in, setup, planes);
    std::swap(planes.disparity, planes.next);
  }
  for (int v = 0; v < height; ++v) {
    const float* result = Planes::row(planes.disparity, v);
    float* to = disparity.row(v);
    for (int u = 0; u < width; ++u) to[u] = result[u] == kFarPx ? to[u] : result[u];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(refineDisparitySimd);

void refineDisparity(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity) {
  HWY_DYNAMIC_DISPATCH(refineDisparitySimd)(input, options, disparity);
}
}  // namespace altiplano
#endif
