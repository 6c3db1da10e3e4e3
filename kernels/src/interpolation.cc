// SPDX-License-Identifier: Apache-2.0
#include "interpolation.h"

#include <cmath>
#include <utility>

namespace altiplano {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kBand = 0.65 * kPi;  // upper edge of the fitted band, radians per pixel

// sin(x) from + - * / only: the C library's may differ in the last bit from machine to machine.
double sine(double x) {
  x -= 2 * kPi * std::floor(x / (2 * kPi) + 0.5);
  double term = x, sum = x;
  for (int n = 3; n < 40; n += 2) {
    term *= -x * x / ((n - 1.0) * n);
    sum += term;
  }
  return sum;
}

// Integral of cos(w d) over the band.
double bandCosine(double d) { return std::fabs(d) < 1e-9 ? kBand : sine(kBand * d) / d; }

// Gaussian elimination with partial pivoting of the (n x n+1) system; the solution ends in the last column.
template <int n>
void solve(double a[n][n + 1]) {
  for (int i = 0; i < n; ++i) {
    int pivot = i;
    for (int r = i + 1; r < n; ++r) {
      if (std::fabs(a[r][i]) > std::fabs(a[pivot][i])) pivot = r;
    }
    for (int c = 0; c <= n; ++c) std::swap(a[i][c], a[pivot][c]);
    for (int r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = a[r][i] / a[i][i];
      for (int c = i; c <= n; ++c) a[r][c] -= factor * a[i][c];
    }
  }
  for (int i = 0; i < n; ++i) a[i][n] /= a[i][i];
}

InterpolationTable makeTable() {
  InterpolationTable table;
  double here[kTaps], next[kTaps];
  interpolationWeights(0, here);
  for (int k = 0; k <= kTableSize; ++k) {
    interpolationWeights(std::fmin(1.0, (k + 1.0) / kTableSize), next);
    for (int i = 0; i < kTaps; ++i) {
      table.weight[k][i] = static_cast<float>(here[i]);
      table.step[k][i] = static_cast<float>(next[i] - here[i]);
      here[i] = next[i];
    }
  }
  return table;
}

}  // namespace

void interpolationWeights(double tau, double weights[kTaps]) {
  if (tau == 0 || tau == 1) {  // the solution is known: no rounding noise in the seven zeros
    for (int i = 0; i < kTaps; ++i) weights[i] = i - kTapsBefore == tau ? 1 : 0;
    return;
  }
  // Normal equations of the least-squares problem, bordered by the two constraints (Lagrange multipliers).
  constexpr int n = kTaps + 2;
  double a[n][n + 1] = {};
  for (int i = 0; i < kTaps; ++i) {
    const double xi = i - kTapsBefore;
    for (int j = 0; j < kTaps; ++j) a[i][j] = bandCosine(i - j);
    a[i][n] = bandCosine(xi - tau);
    a[kTaps][i] = a[i][kTaps] = 1;
    a[kTaps + 1][i] = a[i][kTaps + 1] = xi;
  }
  a[kTaps][n] = 1;
  a[kTaps + 1][n] = tau;
  solve<n>(a);
  for (int i = 0; i < kTaps; ++i) weights[i] = a[i][n];
}

const InterpolationTable& interpolationTable() {
  static const InterpolationTable table = makeTable();
  return table;
}

const PhaseTable& phaseTable() {
  static const PhaseTable table = [] {
    PhaseTable made;
    for (int k = 0; k < kPhases; ++k) {
      double weights[kTaps];
      interpolationWeights(static_cast<double>(k) / kPhases, weights);
      for (int i = 0; i < kTaps; ++i) made.weight[k][i] = static_cast<float>(weights[i]);
    }
    return made;
  }();
  return table;
}

}  // namespace altiplano
