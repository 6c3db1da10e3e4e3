// SPDX-License-Identifier: Apache-2.0
#include "refine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "arena.h"
#include "fraction_weights.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "refine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// One lane per pixel: neighbouring pixels of a row are refined together, so that every load is contiguous and no sum
// crosses lanes. The block is worked on in strips of columns, row by row, both steps of the header behind each other: rows
// of sums live in rings of some rows' height, which stay in the first two caches.
//
//   row t       d: sums along the row
//   row t - 1   sums with the rows above and below
//   row t - 4   sums with the rows three above and below, the fit, D, W; A, R, g: sums along the row
//   row t - 5   sums with the rows above and below
//   row t - 8   sums with the rows three above and below, the new d
//
// Each step along a row reaches beyond the strip's columns by what the later ones need.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kRadius = kRefineRadius, kNear = kHops[0], kFar = kHops[1];
// Narrower strips repeat more at their ends, wider ones leave the second cache.
constexpr int kMostColumns = 768;
// Steps along rows start this far in front of a strip, so that vectors of its columns lie on cache lines.
constexpr int kLead = 16;
static_assert(kLead >= kRadius + kFar);

// Columns of a strip: the block's in as few equal shares as kMostColumns allow, whole vectors of any target.
int stripOf(int width) {
  const int strips = (width + kMostColumns - 1) / kMostColumns, columns = (width + strips - 1) / strips;
  return (columns + kLead - 1) / kLead * kLead;
}

// What is constant over the block.
struct Setup {
  RefineOptions options;
  float tightness[2];  // t / similarity^2 of the header's weights
  FractionWeights fractions;
  float refBase, secBase;
};

// A full-size image with kMargin columns in front and behind, more for whole vectors, and kRadius rows above and below.
class Plane {
 public:
  static constexpr int kMargin = 2 * kLead;
  static size_t bytes(int width, int height) { return Arena::bytesOf<float>(paddedWidth(width), height + 2 * kRadius); }
  // margin: the value of all that is not the image.
  Plane(Arena& arena, int width, int height, float margin) : image_(arena.image<float>(paddedWidth(width), height + 2 * kRadius)) {
    for (int v = -kRadius; v < height + kRadius; ++v) {
      const bool isMargin = v < 0 || v >= height;
      std::fill_n(row(v) - kMargin, isMargin ? image_.width : kMargin, margin);
      std::fill_n(row(v) + width, image_.width - kMargin - width, margin);
    }
  }
  float* row(int v) const { return image_.row(v + kRadius) + kMargin; }

 private:
  static int paddedWidth(int width) { return width + 2 * kMargin + 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> image_;
};

struct Planes {
  Planes(Arena& arena, int width, int height, int secWidth)
      : disparity(arena, width, height, kFarPx),
        next(arena, width, height, kFarPx),
        grey(arena, width, height, 0),
        gradient(arena, width, height, 0),
        secondary(arena.image<float>(secWidth + 2 * secMargin(), height)) {}
  static size_t bytes(int width, int height, int secWidth) {
    return 4 * Plane::bytes(width, height) + Arena::bytesOf<float>(secWidth + 2 * secMargin(), height);
  }
  static int secMargin() { return 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())) + kTaps; }
  float* secondaryRow(int v) const { return secondary.row(v) + secMargin(); }
  Plane disparity;  // d, kFarPx where it or g does not exist
  Plane next;
  Plane grey;      // R
  Plane gradient;  // g
  ImageView<float> secondary;  // S, NaN where there are no data, with margins for whole vectors
};

// Rows of several quantities.
template <int quantities>
using Rows = std::array<float*, quantities>;

// The last `height` rows of some quantities in a strip; column 0 is the strip's first.
template <int quantities, int height>
class Ring {
 public:
  static size_t bytes() { return Arena::bytesOf<float>(paddedWidth(), height * quantities); }
  explicit Ring(Arena& arena) : rows_(arena.image<float>(paddedWidth(), height * quantities)) {
    std::fill_n(rows_.data, rows_.stride * rows_.height, 0.0f);
  }
  Rows<quantities> rows(int v) const {
    Rows<quantities> all;
    float* next = row(v);
    for (float*& one : all) one = next, next += rows_.stride;
    return all;
  }
  // The first quantity's.
  float* row(int v) const { return rows_.row((v + height * kRadius) % height * quantities) + Plane::kMargin; }

 private:
  static int paddedWidth() { return Plane::kMargin + kMostColumns + 3 * kLead + 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> rows_;
};

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

// Sums of 1, A, R, g and their products.
enum GreyMoment { kGreyN, kGreyA, kGreyR, kGreyG, kGreyAa, kGreyRr, kGreyGg, kGreyAr, kGreyGr, kGreyGa };
constexpr int kGreyMoments = 10;

template <class D>
struct GreySums {
  using V = hn::Vec<D>;
  V n, a, r, g, aa, rr, gg, ar, gr, ga;

  GreySums(D df, const Rows<kGreyMoments>& from, int u) {
    const auto load = [&](GreyMoment m) HWY_ATTR { return hn::LoadU(df, from[m] + u); };
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
  void add(D df, V w, V e, const Rows<kGreyMoments>& from, int u) {
    const auto load = [&](GreyMoment m) HWY_ATTR { return hn::LoadU(df, from[m] + u); };
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

  void store(D df, const Rows<kGreyMoments>& to, int u) const {
    const auto put = [&](GreyMoment m, V value) HWY_ATTR { hn::StoreU(value, df, to[m] + u); };
    put(kGreyN, n), put(kGreyA, a), put(kGreyR, r), put(kGreyG, g), put(kGreyAa, aa), put(kGreyRr, rr);
    put(kGreyGg, gg), put(kGreyAr, ar), put(kGreyGr, gr), put(kGreyGa, ga);
  }
};

// Step 2 along a row: columns first ... last of `to`; `near`: the first hop's. What
// belongs to missing pixels weighs nothing later on; it is finite, for it is either computed from finite values or what it was.
template <class D>
void sumGreyRow(D df, const Setup& setup, const float* smooth, const float* slopeX, const float* warped, const float* grey,
                const float* gradient, int first, int last, const Rows<kGreyMoments>& near, const Rows<kGreyMoments>& to) {
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto far = hn::Set(df, kFarPx);
  const auto belowPlane = [&](int u, int dx) HWY_ATTR {
    return hn::Add(hn::Sub(hn::LoadU(df, smooth + u), hn::LoadU(df, smooth + u + dx)),
                   hn::Mul(hn::LoadU(df, slopeX + u), hn::Set(df, static_cast<float>(dx))));
  };
  for (int u = first - kLead; u < last + kFar; u += lanes) {
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth + u), far))) continue;
    GreySums<D> sums(df, hn::LoadU(df, warped + u), hn::LoadU(df, grey + u), hn::LoadU(df, gradient + u));
    for (const int dx : {-kNear, kNear}) {
      const auto e = belowPlane(u, dx), g = hn::LoadU(df, gradient + u + dx);
      sums.addPixel(weightOf(df, setup, 0, e), hn::Add(hn::LoadU(df, warped + u + dx), hn::Mul(g, e)),
                    hn::LoadU(df, grey + u + dx), g);
    }
    sums.store(df, near, u);
  }
  for (int u = first; u < last; u += lanes) {
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth + u), far))) continue;
    GreySums<D> sums(df, near, u);
    for (const int dx : {-kFar, kFar}) {
      const auto e = belowPlane(u, dx);
      sums.add(df, weightOf(df, setup, 1, e), e, near, u + dx);
    }
    sums.store(df, to, u);
  }
}

// Step 2, with the rows at a hop's distance above and below: smooth: D of these three rows.
template <class D>
GreySums<D> withRows(D df, const Setup& setup, int hop, const Rows<3>& smooth, const float* slopeY,
                     const std::array<Rows<kGreyMoments>, 3>& from, int u) {
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
                 const std::array<Rows<kGreyMoments>, 3>& from, int first, int last, const Rows<kGreyMoments>& to) {
  for (int u = first; u < last; u += static_cast<int>(hn::Lanes(df))) {
    if (hn::AllTrue(df, hn::Eq(hn::LoadU(df, smooth[1] + u), hn::Set(df, kFarPx)))) continue;
    withRows(df, setup, 0, smooth, slopeY, from, u).store(df, to, u);
  }
}

// Step 2's end: the disparities that follow from the sums. d: d as it was, to leave what is missing missing.
template <class D>
void stepRow(D df, const Setup& setup, const Rows<3>& smooth, const float* slopeY,
             const std::array<Rows<kGreyMoments>, 3>& sums, const float* d, const float* start, int first, int last, float* next) {
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

// R, g and where both exist, of one row. padded: room for the row with kDerivativeRadius more on both sides.
void readReferenceRow(const RefineInput& in, float base, int v, const float* start, float* padded, float* grey, float* gradient,
                      float* disparity) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const int width = in.ref.width;
  const float* from = in.ref.row(v);
  const uint8_t* valid = in.refValid.row(v);
  float* row = padded + kDerivativeRadius;
  for (int u = 0; u < width; ++u) row[u] = valid[u] != 0 ? from[u] : missing;
  for (int i = 1; i <= kDerivativeRadius; ++i) row[-i] = row[0], row[width - 1 + i] = row[width - 1];
  const auto read = [&](auto df, int u) HWY_ATTR {
    auto g = hn::Zero(df);
    for (int i = 1; i <= kDerivativeRadius; ++i) {
      const auto difference = hn::Sub(hn::LoadU(df, row + u + i), hn::LoadU(df, row + u - i));
      g = hn::Add(g, hn::Mul(hn::Set(df, kDerivative[i - 1]), difference));
    }
    const auto d = hn::LoadU(df, start + u), value = hn::LoadU(df, row + u);
    const auto exists = hn::And(hn::Eq(g, g), hn::And(hn::Eq(value, value), hn::Eq(d, d)));
    hn::StoreU(hn::IfThenElseZero(exists, g), df, gradient + u);
    hn::StoreU(hn::IfThenElseZero(exists, hn::Sub(value, hn::Set(df, base))), df, grey + u);
    hn::StoreU(hn::IfThenElse(exists, d, hn::Set(df, kFarPx)), df, disparity + u);
  };
  const hn::ScalableTag<float> df;
  int u = 0;
  for (; u + static_cast<int>(hn::Lanes(df)) <= width; u += static_cast<int>(hn::Lanes(df))) read(df, u);
  for (; u < width; ++u) read(hn::CappedTag<float, 1>(), u);
}

void readSecondaryRow(const RefineInput& in, float base, int v, int margin, float* to) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const float* from = in.sec.row(v);
  const uint8_t* valid = in.secValid.row(v);
  std::fill_n(to - margin, margin, missing);
  for (int x = 0; x < in.sec.width; ++x) to[x] = valid[x] != 0 ? from[x] - base : missing;
  std::fill_n(to + in.sec.width, margin, missing);
}

// The rings of a strip.
struct Rings {
  // Rows between the first and the last that a step reads.
  static constexpr int kOne = 1, kThree = 2 * kNear + 1, kSeven = 2 * kFar + 1, kAll = 2 * kRadius + 1;
  explicit Rings(Arena& arena)
      : warped(arena), slopeX(arena), given(arena), smooth(arena), slopeY(arena), planeNear(arena), planeRow(arena), planeSums(arena),
        greyNear(arena), greyRow(arena), greySums(arena) {}
  static size_t bytes() {
    return 3 * Ring<1, kOne>::bytes() + 2 * Ring<1, kAll>::bytes() + Ring<kPlaneRowMoments, kOne>::bytes() +
           Ring<kPlaneRowMoments, kThree>::bytes() + Ring<kPlaneMoments, kSeven>::bytes() + Ring<kGreyMoments, kOne>::bytes() +
           Ring<kGreyMoments, kThree>::bytes() + Ring<kGreyMoments, kSeven>::bytes();
  }
  Ring<1, kOne> warped, slopeX, given;
  Ring<1, kAll> smooth, slopeY;
  Ring<kPlaneRowMoments, kOne> planeNear;
  Ring<kPlaneRowMoments, kThree> planeRow;
  Ring<kPlaneMoments, kSeven> planeSums;
  Ring<kGreyMoments, kOne> greyNear;
  Ring<kGreyMoments, kThree> greyRow;
  Ring<kGreyMoments, kSeven> greySums;
};

// One iteration: planes.disparity -> planes.next. start: the disparities given.
void iterate(const RefineInput& in, const Setup& setup, ImageView<const float> start, const Planes& planes, const Rings& rings) {
  const hn::ScalableTag<float> df;
  const int width = in.ref.width, blockHeight = in.ref.height, secWidth = in.sec.width, lanes = static_cast<int>(hn::Lanes(df));
  const auto& [warped, slopeX, given, smooth, slopeY, planeNear, planeRow, planeSums, greyNear, greyRow, greySums] = rings;
  const int strip = stripOf(width);
  for (int firstColumn = 0; firstColumn < width; firstColumn += strip) {
    const int columns = std::min(strip, width - firstColumn);
    // Columns from here on are counted from the strip's first.
    const auto rowOf = [&](const Plane& plane, int v) { return plane.row(v) + firstColumn; };
    const auto around = [&](auto at, int v, int hop) { return std::array{at(v - kHops[hop]), at(v), at(v + kHops[hop])}; };
    const auto d = [&](int v) { return rowOf(planes.disparity, v); };
    const auto smoothRow = [&](int v) { return smooth.row(v); };
    for (int t = -kRadius; t < blockHeight + 2 * kRadius; ++t) {
      if (t < blockHeight + kRadius) {
        sumPlaneRow(df, setup, d(t), -kLead, columns + kRadius, planeNear.rows(t),
                    planeRow.rows(t));
        if (t - kNear > -kRadius) {
          const auto from = [&](int v) { return planeRow.rows(v); };
          sumPlaneRows(df, setup, around(d, t - kNear, 0), around(from, t - kNear, 0), -kLead, columns + kRadius,
                       planeSums.rows(t - kNear));
        }
      }
      const int y = t - kRadius;
      if (y < -kRadius) continue;
      if (y < 0 || y >= blockHeight) {
        std::fill_n(smooth.row(y) - kLead, kLead + columns + kRadius + lanes, kFarPx);
      } else {
        const auto from = [&](int v) { return planeSums.rows(v); };
        fitPlanes(df, setup, around(d, y, 1), around(from, y, 1), -kLead, columns + kRadius, smooth.row(y), slopeX.row(y),
                  slopeY.row(y));
        warpRow(df, setup, planes.secondaryRow(y), secWidth, firstColumn + in.secOffset, -kLead, columns + kRadius,
                smooth.row(y), warped.row(y));
        sumGreyRow(df, setup, smooth.row(y), slopeX.row(y), warped.row(y), rowOf(planes.grey, y), rowOf(planes.gradient, y), 0,
                   columns, greyNear.rows(y), greyRow.rows(y));
      }
      if (y - kNear >= 0 && y - kNear < blockHeight) {
        const auto from = [&](int v) { return greyRow.rows(v); };
        sumGreyRows(df, setup, around(smoothRow, y - kNear, 0), slopeY.row(y - kNear), around(from, y - kNear, 0), 0, columns,
                    greySums.rows(y - kNear));
      }
      const int v = y - kRadius;
      if (v < 0) continue;
      const auto from = [&](int row) { return greySums.rows(row); };
      std::copy_n(start.row(v) + firstColumn, columns, given.row(v));
      stepRow(df, setup, around(smoothRow, v, 1), slopeY.row(v), around(from, v, 1), d(v), given.row(v), 0, columns,
              rowOf(planes.next, v));
    }
  }
}

size_t refineBytesSimd(int width, int height, int secWidth) {
  return Planes::bytes(width, height, secWidth) + Rings::bytes() + Arena::bytesOf<float>(width + 2 * kDerivativeRadius, 1);
}

void refineDisparitySimd(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory) {
  const int width = in.ref.width, height = in.ref.height;
  Setup setup{options, {}, fractionWeights(), greyBase(in.ref, in.refValid), greyBase(in.sec, in.secValid)};
  for (const int hop : {0, 1}) setup.tightness[hop] = kNearness[hop] / (options.similarityPx * options.similarityPx);
  Arena arena(memory, refineBytesSimd(width, height, in.sec.width));
  Planes planes(arena, width, height, in.sec.width);
  const Rings rings(arena);
  const ImageView<float> padded = arena.image<float>(width + 2 * kDerivativeRadius, 1);
  for (int v = 0; v < height; ++v) {
    readReferenceRow(in, setup.refBase, v, disparity.row(v), padded.row(0), planes.grey.row(v), planes.gradient.row(v),
                     planes.disparity.row(v));
    readSecondaryRow(in, setup.secBase, v, Planes::secMargin(), planes.secondaryRow(v));
  }
  for (int round = 0; round < options.iterations; ++round) {
    iterate(in, setup, disparity, planes, rings);
    std::swap(planes.disparity, planes.next);
  }
  for (int v = 0; v < height; ++v) {
    const float* result = planes.disparity.row(v);
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

HWY_EXPORT(refineBytesSimd);

void refineDisparity(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory) {
  HWY_DYNAMIC_DISPATCH(refineDisparitySimd)(input, options, disparity, memory);
}

size_t refineBytes(int width, int height, int secWidth) { return HWY_DYNAMIC_DISPATCH(refineBytesSimd)(width, height, secWidth); }
}  // namespace altiplano
#endif
