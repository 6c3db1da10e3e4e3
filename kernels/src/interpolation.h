// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_INTERPOLATION_H_
#define ALTIPLANO_KERNELS_INTERPOLATION_H_

namespace altiplano {

// Interpolation at column x uses pixels floor(x) - kTapsBefore ... floor(x) + kTapsAfter.
inline constexpr int kTaps = 8;
inline constexpr int kTapsBefore = 3;
inline constexpr int kTapsAfter = 4;

inline constexpr int kTableBits = 7;
inline constexpr int kTableSize = 1 << kTableBits;

// Weights of the 8 pixels around a position of fraction tau = k / 128, and their increase to the next entry. The
// last entry, tau = 1, is there for a fraction just below 1 that rounds up.
struct InterpolationTable {
  alignas(64) float weight[kTableSize + 1][kTaps];
  alignas(64) float step[kTableSize + 1][kTaps];
};

// The one table, made at first use (thread-safe). The same bits everywhere: only + - * / are used to make it.
//
// The weights minimise the squared error of the frequency response over [0, 0.65] of the Nyquist frequency, subject
// to reproducing constants and ramps exactly (no gain and no shift that depend on the phase). Worst error of the
// response of one axis over all phases: 0.54 % and 0.0009 px of delay up to 0.6 Nyquist, 1.4 % at 0.65, 5.4 % at 0.7.
// (Lanczos with 6 pixels: 2.4 % and 0.017 px up to 0.6.)
// Source: general least-squares fractional delay design, Laakso et al., "Splitting the unit delay",
// IEEE Signal Processing Magazine 13 (1996), section "Least squared integral error", with the two constraints.
const InterpolationTable& interpolationTable();

// The same weights at multiples of 1 / 512 px, for those who round positions to that: an error of at most 0.001 px, 0.0006
// RMS, so that a weight is one load.
inline constexpr int kPhaseBits = 9;
inline constexpr int kPhases = 1 << kPhaseBits;
struct PhaseTable {
  alignas(64) float weight[kPhases][kTaps];
};
const PhaseTable& phaseTable();

// The exact weights of one fraction, before tabulation. 0 <= tau <= 1.
void interpolationWeights(double tau, double weights[kTaps]);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_INTERPOLATION_H_
