// SPDX-License-Identifier: Apache-2.0
// The RPC00B camera: ground to image as it stands, image to ground by Newton's method on it. A product's
// own direct (image to ground) model is never used: some are off by more than 100 px.
#ifndef ALTIPLANO_KERNELS_RPC_H_
#define ALTIPLANO_KERNELS_RPC_H_

#include <cstddef>

namespace altiplano {

// col = colOff + colScale * colNum(L, P, H) / colDen(L, P, H), row alike; L, P, H are longitude, latitude
// (degrees) and altitude (metres above WGS84) less their offset, over their scale. Pixel (0, 0) is the centre
// of the first one. Coefficients in the order 1, L, P, H, LP, LH, PH, L2, P2, H2, PLH, L3, LP2, LH2, L2P, P3,
// PH2, L2H, P2H, H3. Source: STDI-0002 vol. 1 app. E, RPC00B. Plain doubles, in the order of lib/rpc.ts.
struct RpcModel {
  double lonOff, lonScale, latOff, latScale, altOff, altScale;
  double colOff, colScale, rowOff, rowScale;
  double colNum[20], colDen[20], rowNum[20], rowDen[20];
};
inline constexpr size_t kRpcModelDoubles = 90;
static_assert(sizeof(RpcModel) == kRpcModelDoubles * sizeof(double));

// lonLatAlt: n triples (degrees, degrees, metres). colRow: n pairs, pixels; NaN where a denominator is zero or
// an input isn't finite.
void rpcProject(const RpcModel& model, const double* lonLatAlt, size_t n, double* colRow);

// Solves project(lon, lat, alt) = (col, row) for lon and lat. colRowAlt: n triples (pixels, pixels, metres);
// lonLat: n pairs, degrees. Good to 1e-9 px or the rounding of the model's own evaluation; NaN where Newton's
// method, damped, started from the model's ground offset, does not get there (1e-7 px).
//
// The start is the ground offset because it is the one place an RPC is sure to be defined; where the image
// lies in normalised coordinates says nothing: crops of real products have it near -37.
void rpcLocalize(const RpcModel& model, const double* colRowAlt, size_t n, double* lonLat);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RPC_H_
