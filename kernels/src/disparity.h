// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_DISPARITY_H_
#define ALTIPLANO_KERNELS_DISPARITY_H_

#include <cstdint>

#include "image.h"
#include "sgm.h"

namespace altiplano {

struct DisparityOptions {
  float leftRightPx = 1;      // largest difference of the left and the right view's disparity; negative = no check
  float secondChance = 1.5f;  // how much worse than its best a candidate may be that the right view prefers; see below
};

// The disparities of a reference block, (height, width) each; disparity is NaN where validity isn't 0.
struct DisparityViews {
  ImageView<float> disparity;
  ImageView<uint16_t> validity;
  ImageView<float> confidence;
};

// The least confidence of a valid pixel.
inline constexpr float kLeastConfidence = 0.01f;

// Picks each pixel's disparity from the aggregated costs, row by row.
// Left view: the candidate of the smallest sum (the lowest k of equals), moved by a parabola through it and its two
// neighbours. Right view: for each secondary pixel the reference pixel of the smallest sum on the diagonal of the same
// volume (the leftmost of equals). The left-right check compares a match with the nearer one of the right view's
// disparities at the two secondary pixels around it. A pixel that fails it gets a second chance: of the
// candidates whose secondary pixel chose exactly this reference pixel, the one of the smallest sum, if that is at most
// secondChance times the best. (Both views then agree on it; at depth edges the left view's own choice is often the
// neighbouring surface's, which paths have dragged along.)
// Validity: what the reference's census says; kOutsideSecondary where no candidate exists; kRangeEdge where the
// winner is the first or last candidate; kAmbiguous where a candidate 2 px or more away costs the same; kLeftRight.
// Confidence is 1 - chosen / best of the candidates 2 px or more away, at least kLeastConfidence.
// Expects images of at most 65535 columns. Exact: every target gives the same bits.
class DisparitySelector {
 public:
  DisparitySelector(const SgmInput& input, const DisparityOptions& options, const DisparityViews& out);
  // Row v of the result from row v of the sums, laid out as sgm hands them on.
  void select(int v, const uint16_t* sums);

  struct State {
    SgmInput in;
    DisparityOptions options;
    DisparityViews out;
    // Of one row's reference pixels: the winner's k (kNoWinner: none), its sum, the smallest sum at least 2 px away, and the
    // sums of its neighbours (kNoCandidate: no sub-pixel part).
    Image<uint16_t> winners;
    // Of one row's secondary columns, and `margin` columns on both sides: the smallest sum and the reference
    // column it comes from; keys of both for a few reference pixels, whose turn it is; and that column again, kNobody
    // where there is none.
    Image<uint16_t> right, turns;
    Image<int32_t> chosen;
    int margin;  // the most candidates, padded
  };

 private:
  State state_;
};

// The slow twin of one row.
void selectDisparityReference(const SgmInput& input, int v, const uint16_t* sums, const DisparityOptions& options,
                              const DisparityViews& out);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_DISPARITY_H_
