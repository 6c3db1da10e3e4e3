// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "fraction_weights.h"
#include "refine.h"

namespace altiplano {
namespace {

constexpr int kRadius = kRefineRadius;

struct Planes {
  Planes(int width, int height)
      : grey(width, height), gradient(width, height), usable(width, height), disparity(width, height),
        smooth(width, height), slopeX(width, height), slopeY(width, height), warped(width, height) {}
  Image<float> grey, gradient;  // R, g
  Image<uint8_t> usable;        // a disparity and its derivative exist
  Image<float> disparity;       // d, kFarPx where not usable
  Image<float> smooth;          // D, kFarPx where W is missing
  Image<float> slopeX, slopeY;  // of P
  Image<float> warped;          // W
};

float weightOf(int k, float e, float similarity) {
  const float t = nearness(k), y = std::max(t - e * e * (t / (similarity * similarity)), 0.0f);
  return y * y;
}

// False where the filter meets pixels without data. The image's edge pixels repeat beyond the edge.
bool derivativeAt(const RefineInput& in, int u, int v, float& derivative) {
  if (in.refValid.at(u, v) == 0) return false;
  derivative = 0;
  for (int i = 1; i <= kDerivativeRadius; ++i) {
    const int left = std::max(u - i, 0), right = std::min(u + i, in.ref.width - 1);
    if (in.refValid.at(left, v) == 0 || in.refValid.at(right, v) == 0) return false;
    derivative += kDerivative[i - 1] * (in.ref.at(right, v) - in.ref.at(left, v));
  }
  return true;
}

// The secondary at column u + d, less `base`; false where the kernel meets its edge or pixels without data.
bool sampleAt(const RefineInput& in, int u, int v, float d, float base, float& value) {
  const float below = std::floor(d);
  const float x = static_cast<float>(u + in.secOffset) + below;
  if (!(x >= kTapsBefore && x + kTapsAfter < static_cast<float>(in.sec.width))) return false;
  const int first = static_cast<int>(x) - kTapsBefore;
  float taps[kTaps];
  for (int i = 0; i < kTaps; ++i) {
    if (in.secValid.at(first + i, v) == 0) return false;
    taps[i] = in.sec.at(first + i, v) - base;
  }
  const FractionWeights& weights = fractionWeights();
  const float s = (d - below) - 0.5f, z = s * s;
  float even = 0, odd = 0;
  for (int i = 0; i < kTapPairs; ++i) {
    const float *e = weights.even[i], *o = weights.odd[i];
    even += (e[0] + z * (e[1] + z * e[2])) * (taps[i] + taps[kTaps - 1 - i]);
    odd += (o[0] + z * (o[1] + z * o[2])) * (taps[i] - taps[kTaps - 1 - i]);
  }
  value = even + s * odd;
  return true;
}

// Weighted sums of 1, x, x^2, z and x z about pixel (u, v), x = column - u, z = disparity - the pixel's own.
struct PlaneMoments {
  float n = 1, x = 0, xx = 0, z = 0, xz = 0;
};

PlaneMoments planeMomentsOfRow(const Planes& planes, float similarity, int u, int v) {
  const auto row = planes.disparity.view().row(v);
  PlaneMoments m;
  const auto differenceAt = [&](int x) { return (x >= 0 && x < planes.disparity.width() ? row[x] : kFarPx) - row[u]; };
  for (int k = 1; k <= kRadius; ++k) {
    const float left = differenceAt(u - k), right = differenceAt(u + k), x = static_cast<float>(k);
    const float wLeft = weightOf(k, left, similarity), wRight = weightOf(k, right, similarity);
    m.n += wLeft + wRight;
    m.x += x * (wRight - wLeft);
    m.xx += x * x * (wLeft + wRight);
    m.z += wLeft * left + wRight * right;
    m.xz += x * (wRight * right - wLeft * left);
  }
  return m;
}

// A row's sums counted from a pixel `e` below in disparity, times w.
PlaneMoments moved(const PlaneMoments& m, float e, float w) {
  return {w * m.n, w * m.x, w * m.xx, w * (m.z + e * m.n), w * (m.xz + e * m.x)};
}

// Step 1 of the header at usable pixel (u, v).
void fitPlane(Planes& planes, float similarity, int u, int v) {
  const int height = planes.disparity.height();
  const float d0 = planes.disparity.view().at(u, v);
  PlaneMoments s = planeMomentsOfRow(planes, similarity, u, v);
  float y1 = 0, xy = 0, yy = 0, yz = 0;
  const auto rowAt = [&](int y, int k) -> PlaneMoments {
    if (y < 0 || y >= height) return {0, 0, 0, 0, 0};
    const float e = planes.disparity.view().at(u, y) - d0;
    return moved(planeMomentsOfRow(planes, similarity, u, y), e, weightOf(k, e, similarity));
  };
  for (int k = 1; k <= kRadius; ++k) {
    const PlaneMoments up = rowAt(v - k, k), down = rowAt(v + k, k);
    const float y = static_cast<float>(k);
    s.n += up.n + down.n;
    s.x += up.x + down.x;
    s.xx += up.xx + down.xx;
    s.z += up.z + down.z;
    s.xz += up.xz + down.xz;
    y1 += y * (down.n - up.n);
    xy += y * (down.x - up.x);
    yy += y * y * (up.n + down.n);
    yz += y * (down.z - up.z);
  }
  const float perN = 1.0f / s.n;
  const float mx = s.x * perN, my = y1 * perN, mz = s.z * perN;
  const float varX = s.xx - s.x * mx + kSlopeDamping, varY = yy - y1 * my + kSlopeDamping;
  const float covXy = xy - s.x * my, covXz = s.xz - s.x * mz, covYz = yz - y1 * mz;
  const float perDeterminant = 1.0f / (varX * varY - covXy * covXy);
  const float slopeX = (covXz * varY - covYz * covXy) * perDeterminant;
  const float slopeY = (covYz * varX - covXz * covXy) * perDeterminant;
  planes.slopeX.view().at(u, v) = slopeX;
  planes.slopeY.view().at(u, v) = slopeY;
  planes.smooth.view().at(u, v) = d0 + (mz - slopeX * mx - slopeY * my);
}

// Weighted sums of 1, A, R, g and their products.
struct GreyMoments {
  float n = 0, a = 0, r = 0, g = 0, aa = 0, rr = 0, gg = 0, ar = 0, gr = 0, ga = 0;
};

// About pixel (u, v), A after the row's own plane.
GreyMoments greyMomentsOfRow(const Planes& planes, float similarity, int u, int v) {
  const float d0 = planes.smooth.view().at(u, v), slope = planes.slopeX.view().at(u, v);
  GreyMoments m;
  const auto add = [&](int x, int k) {
    if (x < 0 || x >= planes.grey.width() || planes.smooth.view().at(x, v) == kFarPx) return;
    const float e = (d0 - planes.smooth.view().at(x, v)) + slope * static_cast<float>(x - u);
    const float w = weightOf(k, e, similarity);
    const float g = planes.gradient.view().at(x, v), r = planes.grey.view().at(x, v);
    const float a = planes.warped.view().at(x, v) + g * e;
    const float wa = w * a, wr = w * r, wg = w * g;
    m.n += w, m.a += wa, m.r += wr, m.g += wg;
    m.aa += wa * a, m.rr += wr * r, m.gg += wg * g, m.ar += wa * r, m.gr += wg * r, m.ga += wg * a;
  };
  add(u, 0);
  for (int k = 1; k <= kRadius; ++k) {
    add(u - k, k);
    add(u + k, k);
  }
  return m;
}

// Step 2 of the header at a pixel that has W; start: the disparity before the first iteration.
float step(const Planes& planes, const RefineOptions& o, int u, int v, float start) {
  const float d0 = planes.smooth.view().at(u, v), slope = planes.slopeY.view().at(u, v);
  GreyMoments s = greyMomentsOfRow(planes, o.similarityPx, u, v);
  const auto add = [&](int y, int k) {
    if (y < 0 || y >= planes.grey.height() || planes.smooth.view().at(u, y) == kFarPx) return;
    const float e = (d0 - planes.smooth.view().at(u, y)) + slope * static_cast<float>(y - v);
    const float w = weightOf(k, e, o.similarityPx);
    const GreyMoments m = greyMomentsOfRow(planes, o.similarityPx, u, y);
    // The window's plane is e above the row's own.
    const float eg = e * m.gg, ga = m.ga + eg;
    s.n += w * m.n, s.a += w * (m.a + e * m.g), s.r += w * m.r, s.g += w * m.g;
    s.aa += w * (m.aa + e * (m.ga + ga)), s.rr += w * m.rr, s.gg += w * m.gg;
    s.ar += w * (m.ar + e * m.gr), s.gr += w * m.gr, s.ga += w * ga;
  };
  for (int k = 1; k <= kRadius; ++k) {
    add(v - k, k);
    add(v + k, k);
  }
  const float perN = 1.0f / s.n, ma = s.a * perN, mr = s.r * perN, mg = s.g * perN;
  const float varA = s.aa - s.a * ma, varR = s.rr - s.r * mr, varG = s.gg - s.g * mg;
  const float covAr = s.ar - s.a * mr, covGr = s.gr - s.g * mr, covGa = s.ga - s.g * ma;
  if (!(varA > 0 && varG > 0 && varR > 0 && covAr > 0)) return start;
  const float gain = std::clamp(std::sqrt(varR / varA), kMinGain, kMaxGain);
  const float delta = (covGr - gain * covGa) / varG;
  const float residual = varR - 2.0f * gain * covAr + gain * gain * varA - delta * delta * varG;
  const float information = s.n * varG * (o.roughnessPx * o.roughnessPx);
  const float trusted = delta * (information / (information + std::max(residual, 0.0f)));
  const float result = d0 + std::clamp(trusted, -kMaxStepPx, kMaxStepPx);
  const bool precise = residual < s.n * varG * (o.maxErrorPx * o.maxErrorPx);
  return precise && std::fabs(result - start) <= o.maxShiftPx ? result : start;
}

}  // namespace

float greyBase(ImageView<const float> image, ImageView<const uint8_t> valid) {
  constexpr int kApart = 16;
  double sum = 0, count = 0;
  for (int v = 0; v < image.height; v += kApart) {
    for (int u = 0; u < image.width; u += kApart) {
      if (valid.at(u, v) != 0) sum += image.at(u, v), ++count;
    }
  }
  return count > 0 ? static_cast<float>(sum / count) : 0.0f;
}

void refineDisparityReference(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity) {
  const int width = in.ref.width, height = in.ref.height;
  const float refBase = greyBase(in.ref, in.refValid), secBase = greyBase(in.sec, in.secValid);
  Planes planes(width, height);
  Image<float> next(width, height);
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      const bool usable = !std::isnan(disparity.at(u, v)) && derivativeAt(in, u, v, planes.gradient.view().at(u, v));
      planes.usable.view().at(u, v) = usable;
      planes.disparity.view().at(u, v) = usable ? disparity.at(u, v) : kFarPx;
      if (usable) planes.grey.view().at(u, v) = in.ref.at(u, v) - refBase;
    }
  }
  for (int round = 0; round < options.iterations; ++round) {
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        float& smooth = planes.smooth.view().at(u, v);
        smooth = kFarPx;
        if (planes.usable.view().at(u, v) == 0) continue;
        fitPlane(planes, options.similarityPx, u, v);
        if (!sampleAt(in, u, v, smooth, secBase, planes.warped.view().at(u, v))) smooth = kFarPx;
      }
    }
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        if (planes.usable.view().at(u, v) == 0) continue;
        const float start = disparity.at(u, v);
        next.view().at(u, v) = planes.smooth.view().at(u, v) == kFarPx ? start : step(planes, options, u, v, start);
      }
    }
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        if (planes.usable.view().at(u, v) != 0) planes.disparity.view().at(u, v) = next.view().at(u, v);
      }
    }
  }
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      if (planes.usable.view().at(u, v) != 0) disparity.at(u, v) = planes.disparity.view().at(u, v);
    }
  }
}

}  // namespace altiplano
