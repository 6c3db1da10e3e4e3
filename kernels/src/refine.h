// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_REFINE_H_
#define ALTIPLANO_KERNELS_REFINE_H_

#include <cstddef>
#include <cstdint>

#include "big_buffer.h"
#include "image.h"

namespace altiplano {

// Windows of 9 x 9 pixels are summed in four steps, see below: pixels kHops[0] apart along the row, then kHops[1], then the
// same along the column; each time a pixel and its two neighbours at that distance.
inline constexpr int kHops[2] = {1, 3};
inline constexpr int kRefineRadius = kHops[0] + kHops[1];

struct RefineOptions {
  int iterations = 2;
  float similarityPx = 1.2f;  // what lies this far from the surface at hand belongs to another
  float roughnessPx = 0.15f;  // how far a surface is expected to stray from the window's plane, standard deviation
  float maxShiftPx = 1.0f;    // a result further than this from where it started is refused
  float maxErrorPx = 0.25f;   // a result whose expected standard error is larger is refused
};

// A rectified pair: images, where they have data (1), and the column of the secondary where reference column 0 lies
// at disparity 0.
struct RefineInput {
  ImageView<const float> ref;
  ImageView<const uint8_t> refValid;
  ImageView<const float> sec;
  ImageView<const uint8_t> secValid;
  int secOffset = 0;
};

// Moves each finite disparity to where the grey values of a window agree best, in place; NaN stays NaN. `memory`: for
// refineBytes, grown if it is too small.
//
// Each iteration, with R, S the images, d the disparities at hand and p a pixel:
// 1. Smooths the disparities: P_p, a plane fitted to d around p; D(p) := P_p(p).
// 2. Resamples the secondary there, W(q) = S(q + D(q)), and models a window's grey values as
//    R(q) = a S(q + P(q) + delta) + b, P the window's plane through D(p) with the slopes of step 1. With g the reference's
//    derivative along the row,
//      A(q) = W(q) + g(q) (P(q) - D(q)),   a^2 = var R / var A,   delta = cov(g, R - a A) / var g,   d(p) := D(p) + delta,
//    where variances are weighted and taken without the means. With n = sum of w and s^2 = var(R - a A - delta g) /
//    (n var g), the error to be expected of delta, the step taken is delta r^2 / (r^2 + s^2), r = roughnessPx: where
//    texture is weak pixels lean on their neighbours' plane.
// Weights fall with the distance of disparities, so that a window at a roof's edge sees the roof alone. Windows are not summed
// pixel by pixel: each pixel adds to its own sums those of its neighbours, shifted to its own place and disparity, one pixel to
// the left and right, then three pixels, then up and down: 8 weights make 9 x 9 pixels, and a pixel's sums serve all
// others. What is reached over a gap or another surface is left out.
// The derivative comes from the reference, so that its noise is independent of A's, and has no tap in the middle, so that
// it is uncorrelated with R's: at the solution, noise and the smoothing of interpolation then don't pull towards whole or
// half pixels. Where the result is refused (see the options; or no texture; or the kernels meet missing pixels) the
// disparity stays what it was.
// Exact: every target gives the same bits. Cost: about 700 operations per pixel and iteration, no gathers.
// Sources: Lucas and Kanade, IJCAI 1981; weights after Tukey's biweight; sums over rows, then columns, of what belongs
// together: Zhang, Lu and Lafruit, IEEE Transactions on Circuits and Systems for Video Technology 19 (2009); neighbours at
// growing distances: a trous filters, Shensa, IEEE Transactions on Signal Processing 40 (1992); the derivative: central
// differences of order 8.
void refineDisparity(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory);
size_t refineBytes(int width, int height, int secWidth);

// The slow twin.
void refineDisparityReference(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity);

inline constexpr int kDerivativeRadius = 4;
inline constexpr float kDerivative[kDerivativeRadius] = {4.0f / 5, -1.0f / 5, 4.0f / 105, -1.0f / 280};

// Added to the moments of the plane's fit, pixels^2: a window of few pixels gets a level plane.
inline constexpr float kSlopeDamping = 4.0f;

// The largest move of one iteration, pixels: the equation is linear only this far.
inline constexpr float kMaxStepPx = 0.5f;

// Limits of the gain between the images, a.
inline constexpr float kMinGain = 0.5f;
inline constexpr float kMaxGain = 2.0f;

// What stands for a missing disparity in sums: so far from all others that it weighs nothing. (0 times it is 0.)
inline constexpr float kFarPx = 1e9f;

// The weight of a neighbour at a hop whose disparity is e away: max(t - e^2 t / similarity^2, 0)^2, Tukey's biweight times
// t^2: 1 for the first hop and 0.35 for the second.
inline constexpr float kNearness[2] = {1.0f, 0.591608f};

// About the mean of what is valid, from every 16th pixel of every 16th row. Grey values are counted from there, to keep
// single precision's digits.
float greyBase(ImageView<const float> image, ImageView<const uint8_t> valid);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_REFINE_H_
