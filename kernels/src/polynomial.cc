// SPDX-License-Identifier: Apache-2.0
#include "polynomial.h"

namespace altiplano {

void evaluatePoly3(const Poly3& poly, const double* points, size_t n, double* out) {
  for (size_t i = 0; i < n; ++i) {
    double in[3];
    for (int k = 0; k < 3; ++k) in[k] = (points[3 * i + k] - poly.off[k]) / poly.scale[k];
    for (int k = 0; k < 3; ++k) out[3 * i + k] = RowPoly3(poly.coefficients[k], poly.outOff[k], in[1]).at(in[0], in[2]);
  }
}

}  // namespace altiplano
