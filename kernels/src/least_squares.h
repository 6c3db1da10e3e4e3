// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_LEAST_SQUARES_H_
#define ALTIPLANO_KERNELS_LEAST_SQUARES_H_

namespace altiplano {

// Solves min |A x - b| for several right sides by Householder QR. a: (rows, columns), b: (rows, sides), x: (columns, sides), all
// row-major; rows >= columns; a and b are overwritten. x is not finite where A's columns depend on each other. Sums run down the
// rows, so the bits are the same on every machine, and its twin's.
// Source: Golub and Van Loan, Matrix Computations, algorithm 5.3.2.
void leastSquares(double* a, double* b, int rows, int columns, int sides, double* x);
void leastSquaresReference(double* a, double* b, int rows, int columns, int sides, double* x);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_LEAST_SQUARES_H_
