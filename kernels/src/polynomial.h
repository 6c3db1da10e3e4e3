// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_POLYNOMIAL_H_
#define ALTIPLANO_KERNELS_POLYNOMIAL_H_

#include <cstddef>

namespace altiplano {

// Three outputs, out_k = outOff_k + sum of coefficients * terms, of three inputs x_i = (in_i - off_i) / scale_i.
// Terms: 1, x, y, z, x2, xy, xz, y2, yz, z2, x3, x2y, x2z, xy2, xyz, xz2, y3, y2z, yz2, z3; those above the
// polynomial's degree have zero coefficients. Plain doubles, in the order of lib/polynomial.ts.
struct Poly3 {
  double off[3], scale[3], outOff[3];
  double coefficients[3][20];
};
inline constexpr size_t kPoly3Doubles = 69;
static_assert(sizeof(Poly3) == kPoly3Doubles * sizeof(double));

// points, out: n triples each; they may be the same array.
void evaluatePoly3(const Poly3& poly, const double* points, size_t n, double* out);

// One output of a Poly3 where y is fixed, as on an image row: a polynomial in x and z. Everything that evaluates
// rows does so through these ten numbers and in the order of `at`, so that all of it agrees to the bit.
struct RowPoly3 {
  double x0, x1, x2, x3;  // times 1, x, x2, x3
  double z0, z1, z2;      // times z, xz, x2z
  double zz0, zz1;        // times z2, xz2
  double zzz;             // times z3

  RowPoly3(const double c[20], double outOff, double y)
      : x0(outOff + (c[0] + y * (c[2] + y * (c[7] + y * c[16])))),
        x1(c[1] + y * (c[5] + y * c[13])),
        x2(c[4] + y * c[11]),
        x3(c[10]),
        z0(c[3] + y * (c[8] + y * c[17])),
        z1(c[6] + y * c[14]),
        z2(c[12]),
        zz0(c[9] + y * c[18]),
        zz1(c[15]),
        zzz(c[19]) {}

  double at(double x, double z) const {
    return (x0 + x * (x1 + x * (x2 + x * x3))) + z * ((z0 + x * (z1 + x * z2)) + z * ((zz0 + x * zz1) + z * zzz));
  }
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_POLYNOMIAL_H_
