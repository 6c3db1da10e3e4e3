// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_FIT_POLYNOMIAL_H_
#define ALTIPLANO_KERNELS_FIT_POLYNOMIAL_H_

#include <cstddef>

namespace altiplano {

// As many outputs as inputs (2 or 3), out_k = outOff_k + sum of coefficients * terms, of x_i = (in_i - off_i) / scale_i.
// Terms of two inputs: 1, x, y, x2, xy, y2, x3, x2y, xy2, y3; of three: those of Poly3 (polynomial.h); up to the degree, 1 to 3.
// These sum term by term and serve the samples of a tile's geometry; pixels are evaluated by the rows of polynomial.h.
constexpr int termCount(int inputs, int degree) {
  return inputs == 2 ? (degree + 1) * (degree + 2) / 2 : (degree + 1) * (degree + 2) * (degree + 3) / 6;
}

// points, out: n tuples of `inputs`. frame: off, scale and outOff, `inputs` numbers each. coefficients: (inputs, terms).
// Exact: the same bits on every machine.
void evaluatePolynomial(int inputs, int degree, const double* frame, const double* coefficients, const double* points, size_t n, double* out);

// The polynomial through n points to n values (tuples of `inputs`) by least squares; not finite where they don't determine it.
// Fills frame: middle and half extent (1 where there is none) of each input, and the middle of each output (of two inputs: 0);
// and coefficients. Needs n >= terms.
void fitPolynomial(int inputs, int degree, const double* points, const double* values, size_t n, double* frame, double* coefficients);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_FIT_POLYNOMIAL_H_
