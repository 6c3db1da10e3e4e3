// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_MATCH_POINTS_H_
#define ALTIPLANO_KERNELS_MATCH_POINTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "image.h"

namespace altiplano {

// A rectified block whose first pixel is (u0, v0).
struct RectBlock {
  ImageView<const float> data;
  ImageView<const uint8_t> valid;
  int u0 = 0, v0 = 0;
};

// A reference position and where its counterpart is expected; rounded to whole pixels before use.
struct Seed {
  double u1, v1, u2, v2;
};

struct MatchPointsOptions {
  int radiusU = 8, radiusV = 8;  // searched around the expected position, pixels
  int patchRadius = 10;          // patches have (2 patchRadius + 1)^2 pixels, at most kMaxPatchRadius
  double minScore = 0.7;         // smallest accepted normalised cross-correlation, after sub-pixel refinement
  double minDistinct = 0.05;     // smallest lead of the best score over the next local maximum
};

struct PointMatch {
  int seed;             // index
  double u1, v1;        // reference, whole pixels
  double u2, v2;        // secondary, sub-pixel
  double score;         // normalised cross-correlation
};

// Finds the counterparts of reference points by normalised cross-correlation over the whole search area, refined by
// trackPatch. A match is kept only when its score reaches minScore, leads every other local maximum of the search area
// by minDistinct, doesn't lie on the search area's edge, and when searching back from it, over the same area, lands
// within 1 px of the start. In the order of the seeds. No-data is never under a patch.
// Cost: 2 * seeds * (2 radiusU + 1) * (2 radiusV + 1) * (2 patchRadius + 1)^2 multiplications.
std::vector<PointMatch> matchPoints(const RectBlock& ref, const RectBlock& sec, std::span<const Seed> seeds,
                                    const MatchPointsOptions& options);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_MATCH_POINTS_H_
