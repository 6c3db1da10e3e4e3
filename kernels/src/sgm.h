// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_SGM_H_
#define ALTIPLANO_KERNELS_SGM_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "big_buffer.h"
#include "census.h"
#include "image.h"

namespace altiplano {

// The cost of a candidate that falls outside the secondary image or on its invalid pixels: more than any code can cost.
inline constexpr int kMissingCost = 64;
static_assert(8 * kCensusBytes < kMissingCost);
// The sum of a candidate that can't win: missing, or beyond the range (the padding of k).
inline constexpr uint16_t kNoCandidate = 0xFFFF;

struct SgmOptions {
  int p1 = 11;  // penalty of a disparity step of 1 px between neighbours, cost units
  int p2 = 44;  // penalty of any larger step
  // p2 falls where the intensities a, b of two pixels differ by more than noise and texture do, relative to their
  // sum so that the sensor's gain doesn't matter: p2 / (1 + p2Gradient * (|a - b| / (a + b) - p2Start)), but at least
  // p2Min and p1 + 1.
  float p2Gradient = 6;  // 0 = the same p2 everywhere
  float p2Start = 0.05f;
  int p2Min = 16;
};

// What the aggregation reads. Candidate k of reference pixel (u, v) is disparity low(u, v) + k, which is
// column u + low(u, v) + k + secOffset of the secondary's row v.
struct SgmInput {
  ImageView<const float> refImage;
  ImageView<const uint8_t> refCensus;     // codes as censusTransform lays them out
  ImageView<const uint16_t> refValidity;  // 0 where refCensus may be used
  ImageView<const uint8_t> secCensus;
  ImageView<const uint16_t> secValidity;
  ImageView<const int16_t> low;
  int count = 0;
  int secOffset = 0;
  std::span<const uint16_t> rowCounts = {};  // candidates of each row's pixels, 1 to count; empty: count

  int countOf(int v) const { return rowCounts.empty() ? count : rowCounts[static_cast<size_t>(v)]; }
  int width() const { return low.width; }
  int height() const { return low.height; }
};

// The pixels of a row that are aggregated: from the first to the last usable one of the reference. Empty: first > last.
struct RowExtent {
  int first, last;
  bool holds(int u) const { return u >= first && u <= last; }
};
RowExtent extentOf(ImageView<const uint16_t> refValidity, int v);

// k is padded to whole vectors: candidate k of pixel u of row v of sums is [u * sgmStride(countOf(v)) + k].
inline constexpr int kSgmPadding = 32;
inline int sgmStride(int count) { return (count + kSgmPadding - 1) / kSgmPadding * kSgmPadding; }

// Receives row v of the sums, aligned to cache lines; they are gone after the call.
using SumsSink = std::function<void(int v, const uint16_t* sums)>;

// Semi-global aggregation of Hamming costs over 8 paths. For each path direction r
//   L(p, d) = C(p, d) + min(L(q, d), L(q, d - 1) + P1, L(q, d + 1) + P1, min_k L(q, k) + P2) - min_k L(q, k),
// q = p - r, a path's first pixel has L = C,
// and `sink` gets the sum of the 8 L, row by row from the last to the first: kNoCandidate where the candidate is missing
// in the secondary. Pixels outside of their row's extent are not part of any path, and their sums are undefined.
// Neighbours with another `low` are compared at equal disparity; what isn't a candidate there costs
// infinitely much. Within the extent, pixels that can't be used cost 0 for every candidate: paths run through them unchanged.
// `memory` gets the volume, sgmStride(countOf(v)) bytes a pixel, and P2, 4 bytes a pixel: sgmBytes, grown if it is too small.
// Expects 0 < p1 <= p2 <= kMaxP2. Exact: every target gives the same bits.
// Source: Hirschmueller, Stereo processing by semiglobal matching and mutual information, TPAMI 2008, eq. 13, 14.
void sgm(const SgmInput& input, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink);
size_t sgmBytes(const SgmInput& input);
// The four excesses L - C <= P2 of a sweep must fit into 8 bits.
inline constexpr int kMaxP2 = 63;

// The slow twin: wide integers, one path at a time, no padding.
void sgmReference(const SgmInput& input, const SgmOptions& options, const SumsSink& sink);

// P2 between two neighbouring pixels of intensities a and b; more than P1 unless options.p2 isn't.
inline int adaptedP2(const SgmOptions& options, float a, float b) {
  if (options.p2Gradient <= 0) return options.p2;
  const float difference = a < b ? b - a : a - b;
  const float sum = (a < 0 ? -a : a) + (b < 0 ? -b : b);
  if (!(sum > 0)) return options.p2;
  const float excess = difference / sum - options.p2Start;
  if (!(excess > 0)) return options.p2;
  const int lowered = static_cast<int>(static_cast<float>(options.p2) / (1.0f + options.p2Gradient * excess));
  return std::min(options.p2, std::max({lowered, options.p2Min, options.p1 + 1}));
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_SGM_H_
