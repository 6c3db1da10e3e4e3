// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_REFINE_H_
#define ALTIPLANO_KERNELS_REFINE_H_

#include <cstdint>

#include "image.h"

namespace altiplano {

inline constexpr int kMaxRefineRadius = 7;

struct RefineOptions {
  int iterations = 2;
  int radius = 4;             // of the window, pixels, at most kMaxRefineRadius
  float similarityPx = 1.0f;  // what lies this far from the window's disparity plane belongs to another surface
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

// Moves each finite disparity to where the grey values of a window agree best, in place; NaN stays NaN.
//
// With R, S the images, d the disparities at hand and p a pixel, the window's disparities are modelled as a plane
// P(q) = c + s (q - p), fitted to d with weights w, and its grey values as R(q) = a S(q + P(q) + delta) + b. Around the
// secondary already resampled at d, W(q) = S(q + d(q)), with g the reference's derivative along the row:
//   A(q) = W(q) + g(q) (P(q) - d(q)),   a^2 = var R / var A,   delta = cov(g, R - a A) / var g,   d(p) := c + delta,
// where variances are weighted and taken without the means. With n = sum of w and s^2 = var(R - a A - delta g) /
// (n var g), the error to be expected of delta, the step taken is delta r^2 / (r^2 + s^2), r = roughnessPx: where
// texture is weak pixels lean on their neighbours' plane. w falls with the distance from p and with |P - d|, so that
// a window at a roof's edge sees the roof alone. The derivative comes from the reference, so that its noise is
// independent of A's, and has no tap in the middle, so that it is uncorrelated with R's: at the solution, noise and
// the smoothing of interpolation then don't pull towards whole or half pixels. Where the result is refused (see the
// options; or no texture; or the kernels meet missing pixels) the disparity stays what it was.
// Exact: every target gives the same bits. Cost: about 4000 operations per pixel and iteration, no gathers.
// Source: Lucas and Kanade, IJCAI 1981; weights after Tukey's biweight; the derivative: central differences of order 8.
void refineDisparity(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity);

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

// The biweight of x / width for 0 <= x / width < 1, else 0.
inline float biweight(float squaredRatio) {
  const float y = 1.0f - squaredRatio;
  return y > 0 ? y * y : 0;
}

// Weight of a window pixel by its distance from the centre.
inline float windowWeight(int dx, int dy, int radius) {
  const float reach = static_cast<float>(radius) + 2.0f;
  return biweight(static_cast<float>(dx * dx + dy * dy) / (reach * reach));
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_REFINE_H_
