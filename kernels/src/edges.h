// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_EDGES_H_
#define ALTIPLANO_KERNELS_EDGES_H_

#include <cstddef>

#include "big_buffer.h"
#include "disparity.h"
#include "refine.h"

namespace altiplano {

struct EdgeOptions {
  int rounds = 2;           // in which pixels change over to a surface beside them; 0 = none
  int fillRounds = 2;       // in which rejected pixels join one; 0 = none
  float stepPx = 1;         // disparities further apart belong to two surfaces
  int fewest = 6;           // pixels of a surface around a pixel, for it to be considered
  int fewestToFill = 15;    // the same for a rejected pixel
  float advantage = 0.15f;  // by which another surface must fit better; mean absolute deviations of the images
  float acceptable = 1.2f;  // what fits worse doesn't fill, the same unit
  int specklePx = 50;       // smaller regions are rejected before anything is filled, and a quarter of that at first
};

// Decides again which surface the pixels near a depth edge belong to, in place.
//
// Census windows straddle edges: a roof's disparities reach a pixel or two beyond it, and small things are swallowed or
// rejected. So each pixel with another surface within kEdgeReach is tried with the disparities of all surfaces there, and gets
// the one whose grey values fit best (of equals the nearest), measured over the neighbours that look like the pixel itself:
//   E(p, d) = sum of w(p, q) min(|R(q) - gain S(q + d) - bias| / deviation, 2.5) / sum of w(p, q),
//   w(p, q) = 1 / (1 + ((R(q) - R(p)) / (2 deviation))^2)^2 / (1 + |p - q|^2 / 2),   q within kEdgeSupport of p,
// with gain, bias and deviation between the images as found around p (radiometry.h). They come from a much wider window,
// because a window of uniform grey that may choose its own fits anything. Then pixels that the left-right check, ambiguity
// or size had rejected join a surface around them if that fits well enough and no other surface has their pixel of the
// secondary; they get kLeastConfidence. Small regions are rejected before that (kSpeckle), so that blunders don't grow.
// A disparity so given may lie outside the pixel's own search range. `memory`: for edgesBytes, grown if it is too small.
// Exact: every target gives the same bits. Cost: some operations per pixel to find those near edges, about 1000 for each of
// these; 0.3 of a pixel is looked at per pixel in a dense town, all rounds together.
// Source: adaptive support weights, Yoon and Kweon, PAMI 2006.
void sharpenEdges(const RefineInput& input, const EdgeOptions& options, const DisparityViews& map, BigBuffer& memory);
size_t edgesBytes(int width, int height, int secWidth);

// The slow twin.
void sharpenEdgesReference(const RefineInput& input, const EdgeOptions& options, const DisparityViews& map);

inline constexpr int kEdgeReach = 3;
inline constexpr int kEdgeSupport = 2;
// After a round, pixels this near to what changed are looked at again.
inline constexpr int kEdgeAgain = 2;

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_EDGES_H_
