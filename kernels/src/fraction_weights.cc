// SPDX-License-Identifier: Apache-2.0
#include "fraction_weights.h"

namespace altiplano {
namespace {

// The parabola c0 + c1 x + c2 x^2 through three points, by divided differences.
void parabola(const double x[3], const double y[3], float c[3]) {
  const double first = (y[1] - y[0]) / (x[1] - x[0]), next = (y[2] - y[1]) / (x[2] - x[1]);
  const double second = (next - first) / (x[2] - x[0]);
  c[0] = static_cast<float>(y[0] - first * x[0] + second * x[0] * x[1]);
  c[1] = static_cast<float>(first - second * (x[0] + x[1]));
  c[2] = static_cast<float>(second);
}

FractionWeights makeWeights() {
  const double evenAt[3] = {0, 1.0 / 4, 1.0 / 2}, oddAt[3] = {1.0 / 6, 1.0 / 3, 1.0 / 2};
  double evenWeights[3][kTaps], oddWeights[3][kTaps], evenSquares[3], oddSquares[3];
  for (int k = 0; k < 3; ++k) {
    interpolationWeights(0.5 + evenAt[k], evenWeights[k]);
    interpolationWeights(0.5 + oddAt[k], oddWeights[k]);
    evenSquares[k] = evenAt[k] * evenAt[k];
    oddSquares[k] = oddAt[k] * oddAt[k];
  }
  FractionWeights all;
  for (int i = 0; i < kTapPairs; ++i) {
    double even[3], odd[3];
    for (int k = 0; k < 3; ++k) {
      even[k] = (evenWeights[k][i] + evenWeights[k][kTaps - 1 - i]) / 2;
      odd[k] = (oddWeights[k][i] - oddWeights[k][kTaps - 1 - i]) / 2 / oddAt[k];
    }
    parabola(evenSquares, even, all.even[i]);
    parabola(oddSquares, odd, all.odd[i]);
  }
  return all;
}

}  // namespace

const FractionWeights& fractionWeights() {
  static const FractionWeights weights = makeWeights();
  return weights;
}

}  // namespace altiplano
