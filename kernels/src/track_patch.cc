// SPDX-License-Identifier: Apache-2.0
#include "track_patch.h"

#include <cmath>
#include <utility>
#include <vector>

#include "interpolation.h"

namespace altiplano {
namespace {

constexpr int kUnknowns = 6;
constexpr int kIterations = 20;
constexpr double kConvergedPx = 0.001;
constexpr double kMaxMovePx = 1.5;

// All pixels within `radius` of (x, y) are inside and valid.
bool clearAround(ImageView<const uint8_t> valid, int x, int y, int radius) {
  if (x < radius || y < radius || x + radius >= valid.width || y + radius >= valid.height) return false;
  for (int j = y - radius; j <= y + radius; ++j) {
    const uint8_t* row = valid.row(j) + x - radius;
    for (int i = 0; i <= 2 * radius; ++i) {
      if (row[i] == 0) return false;
    }
  }
  return true;
}

// Sixth-order central difference: right to 7 % up to half the Nyquist frequency.
double slope(const float* p, ptrdiff_t step) {
  return (45.0 * (p[step] - p[-step]) - 9.0 * (p[2 * step] - p[-2 * step]) + (p[3 * step] - p[-3 * step])) / 60.0;
}

// In-place Cholesky factor of a symmetric positive definite matrix; false where it isn't (relative to its diagonal).
bool factorize(double a[kUnknowns][kUnknowns]) {
  for (int i = 0; i < kUnknowns; ++i) {
    const double diagonal = a[i][i];
    for (int j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (int k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      if (i != j) {
        a[i][j] = sum / a[j][j];
      } else if (!(sum > 1e-9 * diagonal)) {
        return false;
      } else {
        a[i][i] = std::sqrt(sum);
      }
    }
  }
  return true;
}

void solve(const double factor[kUnknowns][kUnknowns], double b[kUnknowns]) {
  for (int i = 0; i < kUnknowns; ++i) {
    for (int k = 0; k < i; ++k) b[i] -= factor[i][k] * b[k];
    b[i] /= factor[i][i];
  }
  for (int i = kUnknowns - 1; i >= 0; --i) {
    for (int k = i + 1; k < kUnknowns; ++k) b[i] -= factor[k][i] * b[k];
    b[i] /= factor[i][i];
  }
}

void weightsAt(double fraction, float weights[kTaps]) {
  const InterpolationTable& table = interpolationTable();
  const double position = fraction * kTableSize;
  const int entry = static_cast<int>(position);
  const float between = static_cast<float>(position - entry);
  for (int i = 0; i < kTaps; ++i) weights[i] = table.weight[entry][i] + between * table.step[entry][i];
}

// The patch around the secondary position (x, y), row-major; false where it meets no-data.
bool samplePatch(ImageView<const float> sec, ImageView<const uint8_t> valid, double x, double y, int radius,
                 std::vector<float>& rows, std::vector<float>& patch) {
  const int side = 2 * radius + 1, left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  if (!clearAround(valid, left, top, radius + kTrackBorder)) return false;
  float across[kTaps], down[kTaps];
  weightsAt(x - left, across);
  weightsAt(y - top, down);
  for (int j = 0; j < side + kTaps - 1; ++j) {
    const float* in = sec.row(top - radius - kTapsBefore + j) + left - radius - kTapsBefore;
    float* out = &rows[static_cast<size_t>(j * side)];
    for (int i = 0; i < side; ++i) out[i] = 0;
    for (int k = 0; k < kTaps; ++k) {
      for (int i = 0; i < side; ++i) out[i] += across[k] * in[i + k];
    }
  }
  for (int j = 0; j < side; ++j) {
    float* out = &patch[static_cast<size_t>(j * side)];
    for (int i = 0; i < side; ++i) out[i] = 0;
    for (int k = 0; k < kTaps; ++k) {
      const float* in = &rows[static_cast<size_t>((j + k) * side)];
      for (int i = 0; i < side; ++i) out[i] += down[k] * in[i];
    }
  }
  return true;
}

}  // namespace

std::optional<TrackedPatch> trackPatch(ImageView<const float> ref, ImageView<const uint8_t> refValid, int x1, int y1,
                                       ImageView<const float> sec, ImageView<const uint8_t> secValid, double x2,
                                       double y2, int radius) {
  if (!clearAround(refValid, x1, y1, radius + kTrackBorder)) return std::nullopt;
  const int side = 2 * radius + 1;
  const size_t count = static_cast<size_t>(side * side);
  std::vector<float> rows(static_cast<size_t>(side * (side + kTaps - 1))), patch(count);

  // The secondary's patch S, read (dx, dy) away from where it belongs, is explained by the reference R and its gradient:
  //   S = g R + b + g (Rx (dx + s x + t y) + Ry dy)
  // linear in (g, b, g dx, g dy, g s, g t), with regressors that stay the same in every iteration.
  std::vector<double> regressors(count * kUnknowns);
  double mean = 0;
  for (int j = -radius; j <= radius; ++j) {
    for (int i = -radius; i <= radius; ++i) mean += ref.at(x1 + i, y1 + j);
  }
  mean /= static_cast<double>(count);
  double variance = 0, normal[kUnknowns][kUnknowns] = {};
  size_t at = 0;
  for (int j = -radius; j <= radius; ++j) {
    for (int i = -radius; i <= radius; ++i, ++at) {
      const float* p = &ref.at(x1 + i, y1 + j);
      const double gx = slope(p, 1), gy = slope(p, ref.stride);
      double* r = &regressors[at * kUnknowns];
      r[0] = *p - mean, r[1] = 1, r[2] = gx, r[3] = gy, r[4] = gx * i / radius, r[5] = gx * j / radius;
      variance += r[0] * r[0];
      for (int m = 0; m < kUnknowns; ++m) {
        for (int n = 0; n <= m; ++n) normal[m][n] += r[m] * r[n];
      }
    }
  }
  if (!factorize(normal)) return std::nullopt;

  double x = x2, y = y2;
  bool converged = false;
  for (int iteration = 0; iteration < kIterations && !converged; ++iteration) {
    if (!samplePatch(sec, secValid, x, y, radius, rows, patch)) return std::nullopt;
    double b[kUnknowns] = {};
    for (size_t k = 0; k < count; ++k) {
      const double* r = &regressors[k * kUnknowns];
      for (int m = 0; m < kUnknowns; ++m) b[m] += r[m] * patch[k];
    }
    solve(normal, b);
    if (!(b[0] > 0)) return std::nullopt;  // a negative gain: not the same texture
    const double dx = b[2] / b[0], dy = b[3] / b[0];
    x -= dx, y -= dy;
    if (!(std::fabs(x - x2) <= kMaxMovePx && std::fabs(y - y2) <= kMaxMovePx)) return std::nullopt;
    converged = std::fabs(dx) < kConvergedPx && std::fabs(dy) < kConvergedPx;
  }
  if (!converged || !samplePatch(sec, secValid, x, y, radius, rows, patch)) return std::nullopt;

  double secMean = 0, product = 0, secVariance = 0;
  for (float value : patch) secMean += value;
  secMean /= static_cast<double>(count);
  for (size_t k = 0; k < count; ++k) {
    const double s = patch[k] - secMean;
    product += s * regressors[k * kUnknowns];
    secVariance += s * s;
  }
  if (!(secVariance > 0)) return std::nullopt;
  return TrackedPatch{x, y, product / std::sqrt(variance * secVariance)};
}

}  // namespace altiplano
