// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_RECTIFY_H_
#define ALTIPLANO_KERNELS_RECTIFY_H_

#include <cstdint>

#include "image.h"
#include "interpolation.h"

namespace altiplano {

// Image position (column, row) of a rectified position: polynomials of degree 1..3 in
// x = (u - uOff) / uScale, y = (v - vOff) / vScale; terms 1, x, y, x2, xy, y2, x3, x2y, xy2, y3.
// Terms above the degree are 0.
struct ImageFromRect {
  double uOff = 0, uScale = 1, vOff = 0, vScale = 1;
  double col[10] = {}, row[10] = {};
};

// Coefficients in x of one rectified row, and their value: what "evaluated per row" means for every target.
struct RowPolynomial {
  double a[4];
  RowPolynomial(const double c[10], double y)
      : a{c[0] + y * (c[2] + y * (c[5] + y * c[9])), c[1] + y * (c[4] + y * c[8]), c[3] + y * c[7], c[6]} {}
  double at(double x) const { return a[0] + x * (a[1] + x * (a[2] + x * a[3])); }
};

// An image window made ready for rectify: float pixels with a reflected border, and what may be read where.
struct RectifySource {
  int col0 = 0, row0 = 0;  // image position of the window's first pixel
  int width = 0, height = 0;
  // (height + 2 kSourceBorder, width + 2 kSourceBorder); pixel (x, y) of the window is at (x + border, y + border).
  Image<float> pixels;
  // Same shape. Bit of a pixel is set where the position is inside the window and all pixels interpolation reads, or
  // those they are reflections of, are valid:
  // kPixelValid this one; kRowValid its 8 taps along the row; kColumnValid along the column; kBlockValid all 64.
  Image<uint8_t> support;
};
inline constexpr int kSourceBorder = 8;
enum Support : uint8_t { kPixelValid = 1, kRowValid = 2, kColumnValid = 4, kBlockValid = 8 };

// window: (height, width) of uint8_t, uint16_t, int16_t or float. mask: the same shape, 0 = not valid, or data null =
// all valid. A float pixel that isn't finite counts as not valid.
template <typename T>
RectifySource makeRectifySource(ImageView<const T> window, ImageView<const uint8_t> mask, int col0, int row0);

// Resamples the source into the rectified block whose first pixel is (u0, v0).
// out, valid: (height, width). valid = 1 where the position is within the centres of the window's outer pixels and
// every pixel under the interpolation kernel is valid, else 0 with out = 0. The kernel has 8 x 8 pixels
// (interpolation.h); along an axis where the position falls on a whole pixel it has that one only. Beyond its edges the
// window continues as its point reflection: an image is of use up to its last pixel, at a lower quality over the last
// three.
// extents: columns [first, end) of each row that are wanted, 2 height numbers, or null = all; others are not valid.
// Position error against the exact polynomial: at most 8e-6 px. Exact: every target gives the same bits.
void rectify(const RectifySource& source, const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
             ImageView<float> out, ImageView<uint8_t> valid);

// The slow twin: one pixel after the other, straight from the window.
void rectifyReference(ImageView<const float> window, ImageView<const uint8_t> mask, int col0, int row0,
                      const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
                      ImageView<float> out, ImageView<uint8_t> valid);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RECTIFY_H_
