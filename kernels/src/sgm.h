// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_SGM_H_
#define ALTIPLANO_KERNELS_SGM_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "image.h"

namespace altiplano {

// The cost of a candidate that falls outside the secondary image or on its invalid pixels: more than any code of 62 bits
// (the most census codes may have) can cost.
inline constexpr int kMissingCost = 64;
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
  ImageView<const uint64_t> refCensus;
  ImageView<const uint16_t> refValidity;  // 0 where refCensus may be used
  ImageView<const uint64_t> secCensus;
  ImageView<const uint16_t> secValidity;
  ImageView<const int16_t> low;
  int count = 0;
  int secOffset = 0;
};

// Sums of path costs, (v, u, k) with k contiguous and padded to a multiple of 32.
class CostVolume {
 public:
  static constexpr int kPadding = 32;
  static int strideOf(int count) { return (count + kPadding - 1) / kPadding * kPadding; }

  // Contents are undefined until sgm has filled it: zeroing so much memory would cost a tenth of the time.
  CostVolume(int width, int height, int count)
      : width_(width), height_(height), count_(count), stride_(strideOf(count)) {
    const size_t cells = static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(stride_);
    sums_.reset(static_cast<uint16_t*>(std::aligned_alloc(kRowAlignment, sizeof(uint16_t) * cells)));
    if (sums_ == nullptr) throw std::bad_alloc();
  }
  int width() const { return width_; }
  int height() const { return height_; }
  int count() const { return count_; }
  int stride() const { return stride_; }
  uint16_t* at(int u, int v) { return sums_.get() + offset(u, v); }
  const uint16_t* at(int u, int v) const { return sums_.get() + offset(u, v); }

 private:
  struct Free {
    void operator()(uint16_t* p) const { std::free(p); }
  };
  size_t offset(int u, int v) const {
    const size_t pixel = static_cast<size_t>(v) * static_cast<size_t>(width_) + static_cast<size_t>(u);
    return pixel * static_cast<size_t>(stride_);
  }
  int width_, height_, count_, stride_;
  std::unique_ptr<uint16_t, Free> sums_;
};

// Semi-global aggregation of Hamming costs over 8 paths. For each path direction r
//   L(p, d) = C(p, d) + min(L(q, d), L(q, d - 1) + P1, L(q, d + 1) + P1, min_k L(q, k) + P2) - min_k L(q, k),
// q = p - r,
// and the volume gets the sum of the 8 L, kNoCandidate where the candidate is missing in the secondary.
// Neighbours with another `low` are compared at equal disparity; what isn't a candidate there costs
// infinitely much. Pixels that can't be used cost 0 for every candidate: paths run through them unchanged.
// L stays within 8 bits: C <= 64, L <= 64 + P2 and min L + P2 <= 64 + 2 P2 <= 254, so P2 <= 95.
// Expects 0 < p1 <= p2 <= kMaxP2, a volume of the reference's shape. Exact: every target gives the same bits.
// Source: Hirschmueller, Stereo processing by semiglobal matching and mutual information, TPAMI 2008, eq. 13, 14.
inline constexpr int kMaxP2 = 95;
void sgm(const SgmInput& input, const SgmOptions& options, CostVolume& volume);

// The slow twin: wide integers, one path at a time, no padding.
void sgmReference(const SgmInput& input, const SgmOptions& options, CostVolume& volume);

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
