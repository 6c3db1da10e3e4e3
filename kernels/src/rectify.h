// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_RECTIFY_H_
#define ALTIPLANO_KERNELS_RECTIFY_H_

#include <cstdint>

#include "image.h"

namespace altiplano {

// Image position (column, row) of a rectified position: polynomials of degree 1..3 in
// x = (u - uOff) / uScale, y = (v - vOff) / vScale; terms 1, x, y, x2, xy, y2, x3, x2y, xy2, y3.
// Terms above the degree are 0.
struct ImageFromRect {
  double uOff = 0, uScale = 1, vOff = 0, vScale = 1;
  double col[10] = {}, row[10] = {};
};

// Pixels of an image whose first one is at (col0, row0). mask: the same shape, 0 = not valid, or data null = all valid.
// A float pixel that isn't finite is not valid either.
template <typename T>
struct SourceWindow {
  ImageView<const T> pixels;
  ImageView<const uint8_t> mask;
  int col0 = 0, row0 = 0;
};

// Resamples the window (uint8_t, uint16_t, int16_t or float) into the rectified block whose first pixel is (u0, v0).
// out, valid: (height, width). extents: columns [first, end) of each row that are wanted, 2 height numbers, or null =
// all. valid = 1 where the pixel is wanted, lies within the centres of the window's outer pixels, and every pixel under
// the interpolation kernel is valid; else 0 with out = 0. Beyond its edges the window continues as its point reflection:
// an image is of use up to its last pixel, at a lower quality over the last three.
//
// 8 weights along each axis (interpolation.h) for positions rounded to 1 / 512 px; along an axis where that is a whole
// pixel the kernel has that pixel only. Rows of the image are resampled first, each where the line of constant u or v that
// leads through the pixel crosses it; then the 8 values on that line. Where such lines lean too much (rectify_lines.h: more
// than 17 degrees from the columns), rows are resampled at the pixel's own column instead, at a third of the speed.
// Error on noise of all frequencies up to 0.6 Nyquist along both axes: 0.3 % of its RMS; up to 0.7 Nyquist 0.9 %, where
// lines lean by 15 degrees 2.6 %, of noise up to 0.7 Nyquist in every direction 0.8 %.
// A pixel's value does not depend on the block or the extents asked for, and on the window only at its edges.
// Exact: every target gives the same bits. Source: two passes, Catmull and Smith, SIGGRAPH 1980.
template <typename T>
void rectify(const SourceWindow<T>& window, const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
             ImageView<float> out, ImageView<uint8_t> valid);

// The slow twin: one pixel after the other, straight from the window.
void rectifyReference(const SourceWindow<float>& window, const ImageFromRect& imageFromRect, int u0, int v0,
                      const int32_t* extents, ImageView<float> out, ImageView<uint8_t> valid);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RECTIFY_H_
