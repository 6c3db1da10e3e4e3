// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_TRIANGULATE_H_
#define ALTIPLANO_KERNELS_TRIANGULATE_H_

#include "image.h"
#include "polynomial.h"

namespace altiplano {

// Metres: east and north of the origin the triangulation was given, up = height.
struct PointViews {
  ImageView<float> east, north, up;
};

// Ground points of a disparity map by the tile's polynomial (u, v, d) -> (E, N, h): a match of reference (u, v) and
// secondary (u + d, v). disparity: (height, width), pixel (0, 0) is (u0, v0); NaN gives NaN. out: the same shape.
// Computed in double and rounded once, so within 0.1 mm of the polynomial where coordinates relative to the origin
// stay below 1 km, and 0.5 mm for heights up to 8 km. Exact: every target gives the same bits.
void triangulate(ImageView<const float> disparity, int u0, int v0, const Poly3& groundFromRect, double originE,
                 double originN, const PointViews& out);

// The slow twin.
void triangulateReference(ImageView<const float> disparity, int u0, int v0, const Poly3& groundFromRect, double originE,
                          double originN, const PointViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_TRIANGULATE_H_
