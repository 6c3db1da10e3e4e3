// SPDX-License-Identifier: Apache-2.0
#include "least_squares.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace altiplano {
namespace {

// Reflects columns [from, to) of m by the reflector in column k of a: all of a row's columns at a time.
void reflect(double* m, int stride, int from, int to, const double* a, int columns, int k, int rows, double half, double* factor) {
  std::fill(factor + from, factor + to, 0.0);
  for (int i = k; i < rows; ++i) {
    const double v = a[i * columns + k];
    const double* row = m + i * stride;
    for (int j = from; j < to; ++j) factor[j] += v * row[j];
  }
  for (int j = from; j < to; ++j) factor[j] /= half;
  for (int i = k; i < rows; ++i) {
    const double v = a[i * columns + k];
    double* row = m + i * stride;
    for (int j = from; j < to; ++j) row[j] -= factor[j] * v;
  }
}

}  // namespace

void leastSquares(double* a, double* b, int rows, int columns, int sides, double* x) {
  std::vector<double> diagonal(columns), factor(std::max(columns, sides));
  for (int k = 0; k < columns; ++k) {
    double squares = 0;
    for (int i = k; i < rows; ++i) squares += a[i * columns + k] * a[i * columns + k];
    const double pivot = a[k * columns + k];
    const double alpha = pivot > 0 ? -std::sqrt(squares) : std::sqrt(squares);
    diagonal[k] = alpha;
    // The reflector is v = column - alpha e_k; it stays in the column's place, v.v / 2 = alpha (alpha - pivot).
    a[k * columns + k] = pivot - alpha;
    const double half = alpha * (alpha - pivot);
    reflect(a, columns, k + 1, columns, a, columns, k, rows, half, factor.data());
    reflect(b, sides, 0, sides, a, columns, k, rows, half, factor.data());
  }
  for (int k = columns - 1; k >= 0; --k) {
    for (int s = 0; s < sides; ++s) {
      double sum = b[k * sides + s];
      for (int j = k + 1; j < columns; ++j) sum -= a[k * columns + j] * x[j * sides + s];
      x[k * sides + s] = sum / diagonal[k];
    }
  }
}

}  // namespace altiplano
