// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "interpolation.h"
#include "refine.h"

namespace altiplano {
namespace {

struct Planes {
  ImageView<const float> grey;  // R
  ImageView<float> disparity;   // d
  ImageView<float> warped;      // W
  ImageView<float> gradient;    // g
  ImageView<uint8_t> usable;
};

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

// The secondary at column x; false where the kernel meets its edge or pixels without data.
bool sampleAt(const RefineInput& in, float x, int v, float& value) {
  const float below = std::floor(x);
  if (!(below >= kTapsBefore && below + kTapsAfter < static_cast<float>(in.sec.width))) return false;
  const int first = static_cast<int>(below) - kTapsBefore;
  const float phase = (x - below) * kTableSize;
  const int entry = static_cast<int>(phase);
  const float rest = phase - static_cast<float>(entry);
  const InterpolationTable& table = interpolationTable();
  value = 0;
  for (int i = 0; i < kTaps; ++i) {
    if (in.secValid.at(first + i, v) == 0) return false;
    value += (table.weight[entry][i] + rest * table.step[entry][i]) * in.sec.at(first + i, v);
  }
  return true;
}

// The refined disparity of usable pixel (u, v), or `start`.
float refinePixel(const Planes& planes, const RefineOptions& o, int u, int v, float start) {
  const int width = planes.grey.width, height = planes.grey.height, r = o.radius;
  const float d0 = planes.disparity.at(u, v);
  const float inverse = 1.0f / o.similarityPx;
  const auto inside = [&](int x, int y) {
    return x >= 0 && x < width && y >= 0 && y < height && planes.usable.at(x, y) != 0;
  };

  // The plane, relative to d0, from weights about d0.
  float n = 0, x1 = 0, y1 = 0, xx = 0, xy = 0, yy = 0, z1 = 0, xz = 0, yz = 0;
  for (int dy = -r; dy <= r; ++dy) {
    float rowN = 0, rowX = 0, rowXx = 0, rowZ = 0, rowXz = 0;
    for (int dx = -r; dx <= r; ++dx) {
      if (!inside(u + dx, v + dy)) continue;
      const float e = planes.disparity.at(u + dx, v + dy) - d0;
      const float w = biweight((e * inverse) * (e * inverse)) * windowWeight(dx, dy, r);
      const float wx = w * static_cast<float>(dx);
      rowN += w;
      rowX += wx;
      rowXx += wx * static_cast<float>(dx);
      rowZ += w * e;
      rowXz += wx * e;
    }
    const float y = static_cast<float>(dy);
    n += rowN;
    x1 += rowX;
    xx += rowXx;
    z1 += rowZ;
    xz += rowXz;
    y1 += y * rowN;
    xy += y * rowX;
    yy += y * y * rowN;
    yz += y * rowZ;
  }
  const float mx = x1 / n, my = y1 / n, mz = z1 / n;
  const float varX = xx - x1 * mx + kSlopeDamping, varY = yy - y1 * my + kSlopeDamping;
  const float covXy = xy - x1 * my, covXz = xz - x1 * mz, covYz = yz - y1 * mz;
  const float determinant = varX * varY - covXy * covXy;
  const float sx = (covXz * varY - covYz * covXy) / determinant;
  const float sy = (covYz * varX - covXz * covXy) / determinant;
  const float c = mz - sx * mx - sy * my;

  // Weighted sums of A, R and g, counted from the centre pixel's values to keep single precision's digits.
  float m = 0, a1 = 0, r1 = 0, g1 = 0, aa = 0, rr = 0, gg = 0, ar = 0, gr = 0, ga = 0;
  for (int dy = -r; dy <= r; ++dy) {
    const float row = c + sy * static_cast<float>(dy);
    for (int dx = -r; dx <= r; ++dx) {
      if (!inside(u + dx, v + dy)) continue;
      const int x = u + dx, y = v + dy;
      const float e = row + sx * static_cast<float>(dx) - (planes.disparity.at(x, y) - d0);
      const float w = biweight((e * inverse) * (e * inverse)) * windowWeight(dx, dy, r);
      const float g = planes.gradient.at(x, y);
      const float a = planes.warped.at(x, y) - planes.warped.at(u, v) + g * e;
      const float b = planes.grey.at(x, y) - planes.grey.at(u, v);
      const float wa = w * a, wb = w * b, wg = w * g;
      m += w;
      a1 += wa;
      r1 += wb;
      g1 += wg;
      aa += wa * a;
      rr += wb * b;
      gg += wg * g;
      ar += wa * b;
      gr += wg * b;
      ga += wg * a;
    }
  }
  const float varA = aa - a1 * a1 / m, varR = rr - r1 * r1 / m, varG = gg - g1 * g1 / m;
  const float covAr = ar - a1 * r1 / m, covGr = gr - g1 * r1 / m, covGa = ga - g1 * a1 / m;
  if (!(varA > 0 && varG > 0 && varR > 0 && covAr > 0)) return start;
  const float gain = std::clamp(std::sqrt(varR / varA), kMinGain, kMaxGain);
  const float delta = (covGr - gain * covGa) / varG;
  const float residual = varR - 2.0f * gain * covAr + gain * gain * varA - delta * delta * varG;
  const float information = m * varG * (o.roughnessPx * o.roughnessPx);
  const float trusted = delta * (information / (information + std::max(residual, 0.0f)));
  const float result = d0 + c + std::clamp(trusted, -kMaxStepPx, kMaxStepPx);
  const bool precise = residual < m * varG * (o.maxErrorPx * o.maxErrorPx);
  return precise && std::fabs(result - start) <= o.maxShiftPx ? result : start;
}

}  // namespace

void refineDisparityReference(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity) {
  const int width = in.ref.width, height = in.ref.height;
  Image<float> here(width, height), next(width, height), warped(width, height), gradient(width, height);
  Image<uint8_t> usable(width, height);
  for (int v = 0; v < height; ++v) std::copy_n(disparity.row(v), width, here.view().row(v));
  for (int round = 0; round < options.iterations; ++round) {
    const Planes planes{in.ref, here.view(), warped.view(), gradient.view(), usable.view()};
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        const float d = planes.disparity.at(u, v);
        planes.usable.at(u, v) =
            !std::isnan(d) && derivativeAt(in, u, v, planes.gradient.at(u, v)) &&
            sampleAt(in, static_cast<float>(u + in.secOffset) + d, v, planes.warped.at(u, v));
      }
    }
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        const float start = disparity.at(u, v);
        next.view().at(u, v) = usable.view().at(u, v) != 0 ? refinePixel(planes, options, u, v, start) : start;
      }
    }
    std::swap(here, next);
  }
  for (int v = 0; v < height; ++v) std::copy_n(here.view().row(v), width, disparity.row(v));
}

}  // namespace altiplano
