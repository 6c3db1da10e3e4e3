// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "fraction_weights.h"
#include "refine.h"

namespace altiplano {
namespace {

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

float weightOf(int hop, float e, float similarity) {
  const float t = kNearness[hop], y = std::max(t - e * e * (t / (similarity * similarity)), 0.0f);
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

// Weighted sums over a pixel's window of 1, x, y, their products, z and its products; x = column - u, y = row - v, z = disparity - the
// pixel's own.
struct PlaneMoments {
  float n = 1, x = 0, xx = 0, z = 0, xz = 0, y = 0, xy = 0, yy = 0, yz = 0;
};

// Step 1 of the header: the sums of all pixels.
Image<PlaneMoments> planeMoments(const Planes& planes, float similarity) {
  const int width = planes.disparity.width(), height = planes.disparity.height();
  Image<PlaneMoments> sums(width, height), next(width, height);
  for (int v = 0; v < height; ++v) std::fill_n(sums.view().row(v), width, PlaneMoments());
  const auto disparityAt = [&](int u, int v) {
    return u >= 0 && u < width && v >= 0 && v < height ? planes.disparity.view().at(u, v) : kFarPx;
  };
  for (const bool vertical : {false, true}) {
    for (int hop = 0; hop < 2; ++hop) {
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          const float k = static_cast<float>(kHops[hop]), d0 = disparityAt(u, v);
          PlaneMoments side[2];
          for (const int i : {0, 1}) {
            const int step = i == 0 ? -kHops[hop] : kHops[hop], x = vertical ? u : u + step, y = vertical ? v + step : v;
            const bool inside = x >= 0 && x < width && y >= 0 && y < height;
            const float e = disparityAt(x, y) - d0, w = weightOf(hop, e, similarity);
            const PlaneMoments m = inside ? sums.view().at(x, y) : PlaneMoments();
            side[i] = {w * m.n,  w * m.x,  w * m.xx, w * (m.z + e * m.n), w * (m.xz + e * m.x), w * m.y,
                       w * m.xy, w * m.yy, w * (m.yz + e * m.y)};
          }
          // Shifted by k to either side: the difference of both sides' sums comes in.
          const PlaneMoments &a = side[0], &b = side[1];
          PlaneMoments m = sums.view().at(u, v);
          const float n = a.n + b.n;
          m.n += n;
          m.z += a.z + b.z;
          if (vertical) {
            m.x += a.x + b.x;
            m.xx += a.xx + b.xx;
            m.xz += a.xz + b.xz;
            m.y += (a.y + b.y) + k * (b.n - a.n);
            m.xy += (a.xy + b.xy) + k * (b.x - a.x);
            m.yy += (a.yy + b.yy) + (2 * k * (b.y - a.y) + k * k * n);
            m.yz += (a.yz + b.yz) + k * (b.z - a.z);
          } else {
            m.x += (a.x + b.x) + k * (b.n - a.n);
            m.xx += (a.xx + b.xx) + (2 * k * (b.x - a.x) + k * k * n);
            m.xz += (a.xz + b.xz) + k * (b.z - a.z);
          }
          next.view().at(u, v) = m;
        }
      }
      std::swap(sums, next);
    }
  }
  return sums;
}

// D and P's slopes at usable pixel (u, v).
void fitPlane(Planes& planes, const PlaneMoments& s, int u, int v) {
  const float perN = 1.0f / s.n;
  const float mx = s.x * perN, my = s.y * perN, mz = s.z * perN;
  const float varX = s.xx - s.x * mx + kSlopeDamping, varY = s.yy - s.y * my + kSlopeDamping;
  const float covXy = s.xy - s.x * my, covXz = s.xz - s.x * mz, covYz = s.yz - s.y * mz;
  const float perDeterminant = 1.0f / (varX * varY - covXy * covXy);
  const float slopeX = (covXz * varY - covYz * covXy) * perDeterminant;
  const float slopeY = (covYz * varX - covXz * covXy) * perDeterminant;
  planes.slopeX.view().at(u, v) = slopeX;
  planes.slopeY.view().at(u, v) = slopeY;
  planes.smooth.view().at(u, v) = planes.disparity.view().at(u, v) + (mz - slopeX * mx - slopeY * my);
}

// Weighted sums over a pixel's window of 1, A, R, g and their products.
struct GreyMoments {
  float n, a, r, g, aa, rr, gg, ar, gr, ga;
};

// Step 2 of the header: the sums of all pixels that have W.
Image<GreyMoments> greyMoments(const Planes& planes, float similarity) {
  const int width = planes.grey.width(), height = planes.grey.height();
  Image<GreyMoments> sums(width, height), next(width, height);
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      const float a = planes.warped.view().at(u, v), r = planes.grey.view().at(u, v), g = planes.gradient.view().at(u, v);
      sums.view().at(u, v) = {1, a, r, g, a * a, r * r, g * g, a * r, g * r, g * a};
    }
  }
  for (const bool vertical : {false, true}) {
    for (int hop = 0; hop < 2; ++hop) {
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          const float d0 = planes.smooth.view().at(u, v);
          if (d0 == kFarPx) continue;
          const float slope = (vertical ? planes.slopeY : planes.slopeX).view().at(u, v);
          GreyMoments s = sums.view().at(u, v);
          for (const int step : {-kHops[hop], kHops[hop]}) {
            const int x = vertical ? u : u + step, y = vertical ? v + step : v;
            if (x < 0 || x >= width || y < 0 || y >= height || planes.smooth.view().at(x, y) == kFarPx) continue;
            // This pixel's plane is e above the neighbour's disparity.
            const float e = (d0 - planes.smooth.view().at(x, y)) + slope * static_cast<float>(step);
            const float w = weightOf(hop, e, similarity);
            if (!vertical && hop == 0) {  // single pixels, whose A is taken after this pixel's plane at once
              const float g = planes.gradient.view().at(x, y), r = planes.grey.view().at(x, y);
              const float a = planes.warped.view().at(x, y) + g * e, wa = w * a, wr = w * r, wg = w * g;
              s.n += w, s.a += wa, s.r += wr, s.g += wg;
              s.aa += wa * a, s.rr += wr * r, s.gg += wg * g, s.ar += wa * r, s.gr += wg * r, s.ga += wg * a;
              continue;
            }
            const GreyMoments m = sums.view().at(x, y);
            const float ga = m.ga + e * m.gg;
            s.n += w * m.n, s.a += w * (m.a + e * m.g), s.r += w * m.r, s.g += w * m.g;
            s.aa += w * (m.aa + e * (m.ga + ga)), s.rr += w * m.rr, s.gg += w * m.gg;
            s.ar += w * (m.ar + e * m.gr), s.gr += w * m.gr, s.ga += w * ga;
          }
          next.view().at(u, v) = s;
        }
      }
      std::swap(sums, next);
    }
  }
  return sums;
}

// The disparity that follows from the sums s of a pixel of smoothed disparity d0; start: the one before the first iteration.
float step(const GreyMoments& s, const RefineOptions& o, float d0, float start) {
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
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      const bool usable = !std::isnan(disparity.at(u, v)) && derivativeAt(in, u, v, planes.gradient.view().at(u, v));
      planes.usable.view().at(u, v) = usable;
      planes.disparity.view().at(u, v) = usable ? disparity.at(u, v) : kFarPx;
      if (usable) planes.grey.view().at(u, v) = in.ref.at(u, v) - refBase;
    }
  }
  for (int round = 0; round < options.iterations; ++round) {
    const Image<PlaneMoments> fits = planeMoments(planes, options.similarityPx);
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        float& smooth = planes.smooth.view().at(u, v);
        smooth = kFarPx;
        if (planes.usable.view().at(u, v) == 0) continue;
        fitPlane(planes, fits.view().at(u, v), u, v);
        if (!sampleAt(in, u, v, smooth, secBase, planes.warped.view().at(u, v))) smooth = kFarPx;
      }
    }
    const Image<GreyMoments> sums = greyMoments(planes, options.similarityPx);
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        if (planes.usable.view().at(u, v) == 0) continue;
        const float start = disparity.at(u, v), smooth = planes.smooth.view().at(u, v);
        planes.disparity.view().at(u, v) = smooth == kFarPx ? start : step(sums.view().at(u, v), options, smooth, start);
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
