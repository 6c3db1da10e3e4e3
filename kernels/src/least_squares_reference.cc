// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "least_squares.h"

namespace altiplano {

// One column after the other, of A and then of b.
void leastSquaresReference(double* a, double* b, int rows, int columns, int sides, double* x) {
  for (int k = 0; k < columns; ++k) {
    double squares = 0;
    for (int i = k; i < rows; ++i) squares += a[i * columns + k] * a[i * columns + k];
    const double pivot = a[k * columns + k];
    const double alpha = pivot > 0 ? -std::sqrt(squares) : std::sqrt(squares);
    const double half = alpha * (alpha - pivot);
    a[k * columns + k] = pivot - alpha;
    for (int j = k + 1; j < columns + sides; ++j) {
      const auto at = [&](int i) -> double& { return j < columns ? a[i * columns + j] : b[i * sides + j - columns]; };
      double dot = 0;
      for (int i = k; i < rows; ++i) dot += a[i * columns + k] * at(i);
      for (int i = k; i < rows; ++i) at(i) -= dot / half * a[i * columns + k];
    }
    a[k * columns + k] = alpha;  // of R; below it lies the reflector
  }
  for (int s = 0; s < sides; ++s) {
    for (int k = columns - 1; k >= 0; --k) {
      double sum = b[k * sides + s];
      for (int j = k + 1; j < columns; ++j) sum -= a[k * columns + j] * x[j * sides + s];
      x[k * sides + s] = sum / a[k * columns + k];
    }
  }
}

}  // namespace altiplano
