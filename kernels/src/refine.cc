// SPDX-License-Identifier: Apache-2.0
#include "refine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "interpolation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "refine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// One lane per pixel: neighbouring pixels of a row are refined together, so that every load is contiguous and no sum
// crosses lanes. All planes have `radius` columns and rows around the image whose weight (plane `usable`) is 0.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Planes {
  Planes(int width, int height, int radius, int lanes)
      : grey(width + 2 * radius + lanes, height + 2 * radius),
        disparity(grey.width(), grey.height()),
        warped(grey.width(), grey.height()),
        gradient(grey.width(), grey.height()),
        usable(grey.width(), grey.height()) {}
  Image<float> grey;       // R
  Image<float> disparity;  // d, 0 where there is none
  Image<float> warped;     // W
  Image<float> gradient;   // g
  Image<float> usable;     // 1 or 0
};

// One row's g, and where it exists.
void gradientOfRow(const RefineInput& in, int v, float* gradient, uint8_t* exists) {
  const int width = in.ref.width;
  const float* row = in.ref.row(v);
  const uint8_t* valid = in.refValid.row(v);
  for (int u = 0; u < width; ++u) {
    bool all = valid[u] != 0;
    float sum = 0;
    for (int i = 1; i <= kDerivativeRadius; ++i) {
      const int left = std::max(u - i, 0), right = std::min(u + i, width - 1);
      all = all && valid[left] != 0 && valid[right] != 0;
      sum += kDerivative[i - 1] * (row[right] - row[left]);
    }
    exists[u] = all;
    gradient[u] = all ? sum : 0;
  }
}

// One row's W, and where it and g exist. support[x]: whether secondary columns x ... x + kTaps - 1 all have data.
void warpRow(const RefineInput& in, const InterpolationTable& table, int v, const float* disparity,
             const uint8_t* exists, uint8_t* support, float* warped, float* usable) {
  const int width = in.ref.width, secWidth = in.sec.width;
  int run = 0;
  for (int x = 0; x < secWidth; ++x) {
    run = in.secValid.at(x, v) != 0 ? run + 1 : 0;
    if (x >= kTaps - 1) support[x - (kTaps - 1)] = run >= kTaps;
  }
  for (int u = 0; u < width; ++u) {
    warped[u] = 0;
    usable[u] = 0;
    if (exists[u] == 0) continue;
    const float x = static_cast<float>(u + in.secOffset) + disparity[u];
    const float below = std::floor(x);
    if (!(below >= kTapsBefore && below + kTapsAfter < static_cast<float>(secWidth))) continue;
    const int first = static_cast<int>(below) - kTapsBefore;
    if (support[first] == 0) continue;
    const float phase = (x - below) * kTableSize;
    const int entry = static_cast<int>(phase);
    const float rest = phase - static_cast<float>(entry);
    const float* taps = in.sec.row(v) + first;
    float sum = 0;
    for (int i = 0; i < kTaps; ++i) sum += (table.weight[entry][i] + rest * table.step[entry][i]) * taps[i];
    warped[u] = sum;
    usable[u] = 1;
  }
}

// Refines a vector of pixels from column u (of the image) of row v; start, out: their disparities.
template <class D>
void refineVector(D df, const Planes& planes, const RefineOptions& o, const float* windowWeights, int u, int v,
                  const float* start, float* out) {
  const int r = o.radius;
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), inverse = hn::Set(df, 1.0f / o.similarityPx);
  const auto biweightOf = [&](auto e, float window) HWY_ATTR {
    const auto ratio = hn::Mul(e, inverse);
    const auto y = hn::Max(hn::Sub(one, hn::Mul(ratio, ratio)), zero);
    return hn::Mul(hn::Mul(y, y), hn::Set(df, window));
  };
  const auto grey = planes.grey.view(), disparity = planes.disparity.view(), warped = planes.warped.view(),
             gradient = planes.gradient.view(), usable = planes.usable.view();
  const auto d0 = hn::LoadU(df, &disparity.at(u + r, v + r));

  auto n = zero, x1 = zero, y1 = zero, xx = zero, xy = zero, yy = zero, z1 = zero, xz = zero, yz = zero;
  const float* weight = windowWeights;
  for (int dy = -r; dy <= r; ++dy) {
    const float* d = &disparity.at(u, v + r + dy);
    const float* ok = &usable.at(u, v + r + dy);
    auto rowN = zero, rowX = zero, rowXx = zero, rowZ = zero, rowXz = zero;
    for (int dx = -r; dx <= r; ++dx) {
      const auto x = hn::Set(df, static_cast<float>(dx));
      const auto e = hn::Sub(hn::LoadU(df, d + r + dx), d0);
      const auto w = hn::Mul(biweightOf(e, *weight++), hn::LoadU(df, ok + r + dx));
      const auto wx = hn::Mul(w, x);
      rowN = hn::Add(rowN, w);
      rowX = hn::Add(rowX, wx);
      rowXx = hn::Add(rowXx, hn::Mul(wx, x));
      rowZ = hn::Add(rowZ, hn::Mul(w, e));
      rowXz = hn::Add(rowXz, hn::Mul(wx, e));
    }
    const auto y = hn::Set(df, static_cast<float>(dy));
    n = hn::Add(n, rowN);
    x1 = hn::Add(x1, rowX);
    xx = hn::Add(xx, rowXx);
    z1 = hn::Add(z1, rowZ);
    xz = hn::Add(xz, rowXz);
    y1 = hn::Add(y1, hn::Mul(y, rowN));
    xy = hn::Add(xy, hn::Mul(y, rowX));
    yy = hn::Add(yy, hn::Mul(hn::Mul(y, y), rowN));
    yz = hn::Add(yz, hn::Mul(y, rowZ));
  }
  const auto damping = hn::Set(df, kSlopeDamping);
  const auto mx = hn::Div(x1, n), my = hn::Div(y1, n), mz = hn::Div(z1, n);
  const auto varX = hn::Add(hn::Sub(xx, hn::Mul(x1, mx)), damping);
  const auto varY = hn::Add(hn::Sub(yy, hn::Mul(y1, my)), damping);
  const auto covXy = hn::Sub(xy, hn::Mul(x1, my)), covXz = hn::Sub(xz, hn::Mul(x1, mz));
  const auto covYz = hn::Sub(yz, hn::Mul(y1, mz));
  const auto determinant = hn::Sub(hn::Mul(varX, varY), hn::Mul(covXy, covXy));
  const auto sx = hn::Div(hn::Sub(hn::Mul(covXz, varY), hn::Mul(covYz, covXy)), determinant);
  const auto sy = hn::Div(hn::Sub(hn::Mul(covYz, varX), hn::Mul(covXz, covXy)), determinant);
  const auto c = hn::Sub(hn::Sub(mz, hn::Mul(sx, mx)), hn::Mul(sy, my));

  const auto w0 = hn::LoadU(df, &warped.at(u + r, v + r)), r0 = hn::LoadU(df, &grey.at(u + r, v + r));
  auto m = zero, a1 = zero, r1 = zero, g1 = zero, aa = zero, rr = zero, gg = zero, ar = zero, gr = zero, ga = zero;
  weight = windowWeights;
  for (int dy = -r; dy <= r; ++dy) {
    const float* d = &disparity.at(u, v + r + dy);
    const float* ok = &usable.at(u, v + r + dy);
    const float* s = &warped.at(u, v + r + dy);
    const float* reference = &grey.at(u, v + r + dy);
    const float* derivative = &gradient.at(u, v + r + dy);
    const auto row = hn::Add(c, hn::Mul(sy, hn::Set(df, static_cast<float>(dy))));
    for (int dx = -r; dx <= r; ++dx) {
      const int i = r + dx;
      const auto plane = hn::Add(row, hn::Mul(sx, hn::Set(df, static_cast<float>(dx))));
      const auto e = hn::Sub(plane, hn::Sub(hn::LoadU(df, d + i), d0));
      const auto w = hn::Mul(biweightOf(e, *weight++), hn::LoadU(df, ok + i));
      const auto g = hn::LoadU(df, derivative + i);
      const auto a = hn::Add(hn::Sub(hn::LoadU(df, s + i), w0), hn::Mul(g, e));
      const auto b = hn::Sub(hn::LoadU(df, reference + i), r0);
      const auto wa = hn::Mul(w, a), wb = hn::Mul(w, b), wg = hn::Mul(w, g);
      m = hn::Add(m, w);
      a1 = hn::Add(a1, wa);
      r1 = hn::Add(r1, wb);
      g1 = hn::Add(g1, wg);
      aa = hn::Add(aa, hn::Mul(wa, a));
      rr = hn::Add(rr, hn::Mul(wb, b));
      gg = hn::Add(gg, hn::Mul(wg, g));
      ar = hn::Add(ar, hn::Mul(wa, b));
      gr = hn::Add(gr, hn::Mul(wg, b));
      ga = hn::Add(ga, hn::Mul(wg, a));
    }
  }
  const auto central = [&](auto product, auto sum1, auto sum2) HWY_ATTR {
    return hn::Sub(product, hn::Div(hn::Mul(sum1, sum2), m));
  };
  const auto varA = central(aa, a1, a1), varR = central(rr, r1, r1), varG = central(gg, g1, g1);
  const auto covAr = central(ar, a1, r1), covGr = central(gr, g1, r1), covGa = central(ga, g1, a1);
  // Lanes that fail this may hold anything from here on, NaN included; they are put back at the end.
  const auto textured =
      hn::And(hn::And(hn::Gt(varA, zero), hn::Gt(varG, zero)), hn::And(hn::Gt(varR, zero), hn::Gt(covAr, zero)));
  const auto gain = hn::Min(hn::Max(hn::Sqrt(hn::Div(varR, varA)), hn::Set(df, kMinGain)), hn::Set(df, kMaxGain));
  const auto delta = hn::Div(hn::Sub(covGr, hn::Mul(gain, covGa)), varG);
  const auto unexplained = hn::Sub(varR, hn::Mul(hn::Mul(hn::Set(df, 2.0f), gain), covAr));
  const auto residual = hn::Sub(hn::Add(unexplained, hn::Mul(hn::Mul(gain, gain), varA)),
                                hn::Mul(hn::Mul(delta, delta), varG));
  const auto information = hn::Mul(hn::Mul(m, varG), hn::Set(df, o.roughnessPx * o.roughnessPx));
  const auto trusted = hn::Mul(delta, hn::Div(information, hn::Add(information, hn::Max(residual, zero))));
  const auto step = hn::Min(hn::Max(trusted, hn::Set(df, -kMaxStepPx)), hn::Set(df, kMaxStepPx));
  const auto result = hn::Add(hn::Add(d0, c), step);
  const auto precise = hn::Lt(residual, hn::Mul(hn::Mul(m, varG), hn::Set(df, o.maxErrorPx * o.maxErrorPx)));
  const auto from = hn::LoadU(df, start);
  const auto close = hn::Le(hn::Abs(hn::Sub(result, from)), hn::Set(df, o.maxShiftPx));
  const auto centre = hn::Gt(hn::LoadU(df, &usable.at(u + r, v + r)), zero);
  const auto accepted = hn::And(hn::And(textured, centre), hn::And(precise, close));
  hn::StoreU(hn::IfThenElse(accepted, result, from), df, out);
}

void refineDisparitySimd(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity) {
  const hn::ScalableTag<float> df;
  const int width = in.ref.width, height = in.ref.height, r = options.radius;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const InterpolationTable& table = interpolationTable();
  Planes planes(width, height, r, lanes);
  Image<float> start(width + lanes, height), next(width + lanes, height);
  Image<uint8_t> exists(width, height), support(in.sec.width, 1);
  std::vector<float> windowWeights;
  for (int dy = -r; dy <= r; ++dy) {
    for (int dx = -r; dx <= r; ++dx) windowWeights.push_back(windowWeight(dx, dy, r));
  }
  for (int v = 0; v < height; ++v) {
    std::memcpy(planes.grey.view().row(v + r) + r, in.ref.row(v), sizeof(float) * static_cast<size_t>(width));
    std::memcpy(start.view().row(v), disparity.row(v), sizeof(float) * static_cast<size_t>(width));
    std::memcpy(next.view().row(v), disparity.row(v), sizeof(float) * static_cast<size_t>(width));
    gradientOfRow(in, v, planes.gradient.view().row(v + r) + r, exists.view().row(v));
    for (int u = 0; u < width; ++u) {
      if (std::isnan(disparity.at(u, v))) exists.view().at(u, v) = 0;
    }
  }
  for (int round = 0; round < options.iterations; ++round) {
    for (int v = 0; v < height; ++v) {
      float* here = planes.disparity.view().row(v + r) + r;
      for (int u = 0; u < width; ++u) here[u] = exists.view().at(u, v) != 0 ? next.view().at(u, v) : 0;
      warpRow(in, table, v, here, exists.view().row(v), support.view().row(0), planes.warped.view().row(v + r) + r,
              planes.usable.view().row(v + r) + r);
    }
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; u += lanes) {
        refineVector(df, planes, options, windowWeights.data(), u, v, start.view().row(v) + u, next.view().row(v) + u);
      }
    }
  }
  for (int v = 0; v < height; ++v) {
    std::memcpy(disparity.row(v), next.view().row(v), sizeof(float) * static_cast<size_t>(width));
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
