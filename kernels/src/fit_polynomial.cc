// SPDX-License-Identifier: Apache-2.0
#include "fit_polynomial.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "least_squares.h"

namespace altiplano {
namespace {

void terms2(int degree, const double* in, double* t) {
  const double x = in[0], y = in[1];
  t[0] = 1;
  t[1] = x;
  t[2] = y;
  if (degree == 1) return;
  t[3] = x * x;
  t[4] = x * y;
  t[5] = y * y;
  if (degree == 2) return;
  t[6] = x * x * x;
  t[7] = x * x * y;
  t[8] = x * y * y;
  t[9] = y * y * y;
}

void terms3(int degree, const double* in, double* t) {
  const double x = in[0], y = in[1], z = in[2];
  t[0] = 1;
  t[1] = x;
  t[2] = y;
  t[3] = z;
  if (degree == 1) return;
  t[4] = x * x;
  t[5] = x * y;
  t[6] = x * z;
  t[7] = y * y;
  t[8] = y * z;
  t[9] = z * z;
  if (degree == 2) return;
  t[10] = x * x * x;
  t[11] = x * x * y;
  t[12] = x * x * z;
  t[13] = x * y * y;
  t[14] = x * y * z;
  t[15] = x * z * z;
  t[16] = y * y * y;
  t[17] = y * y * z;
  t[18] = y * z * z;
  t[19] = z * z * z;
}

void termsAt(int inputs, int degree, const double* frame, const double* point, double* t) {
  double in[3];
  for (int k = 0; k < inputs; ++k) in[k] = (point[k] - frame[k]) / frame[inputs + k];
  if (inputs == 2) {
    terms2(degree, in, t);
  } else {
    terms3(degree, in, t);
  }
}

struct Span {
  double middle, half;
};

// Of every `step`-th of n numbers; half is 1 where they don't differ.
Span spanOf(const double* values, size_t n, int step) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t i = 0; i < n; ++i) {
    low = std::min(low, values[i * step]);
    high = std::max(high, values[i * step]);
  }
  return {(low + high) / 2, high > low ? (high - low) / 2 : 1};
}

}  // namespace

void evaluatePolynomial(int inputs, int degree, const double* frame, const double* coefficients, const double* points, size_t n, double* out) {
  const int terms = termCount(inputs, degree);
  double t[20];
  for (size_t i = 0; i < n; ++i) {
    termsAt(inputs, degree, frame, points + i * inputs, t);
    for (int k = 0; k < inputs; ++k) {
      double sum = 0;
      for (int j = 0; j < terms; ++j) sum += coefficients[k * terms + j] * t[j];
      out[i * inputs + k] = frame[2 * inputs + k] + sum;
    }
  }
}

void fitPolynomial(int inputs, int degree, const double* points, const double* values, size_t n, double* frame, double* coefficients) {
  const int terms = termCount(inputs, degree);
  for (int k = 0; k < inputs; ++k) {
    const Span in = spanOf(points + k, n, inputs);
    frame[k] = in.middle;
    frame[inputs + k] = in.half;
    // Eastings and northings are large, their spread is not.
    frame[2 * inputs + k] = inputs == 3 ? spanOf(values + k, n, inputs).middle : 0;
  }
  std::vector<double> a(n * terms), b(n * inputs), x(terms * inputs);
  for (size_t i = 0; i < n; ++i) {
    termsAt(inputs, degree, frame, points + i * inputs, a.data() + i * terms);
    for (int k = 0; k < inputs; ++k) b[i * inputs + k] = values[i * inputs + k] - frame[2 * inputs + k];
  }
  leastSquares(a.data(), b.data(), static_cast<int>(n), terms, inputs, x.data());
  for (int k = 0; k < inputs; ++k) {
    for (int j = 0; j < terms; ++j) coefficients[k * terms + j] = x[j * inputs + k];
  }
}

}  // namespace altiplano
