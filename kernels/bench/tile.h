// SPDX-License-Identifier: Apache-2.0
// A tile with everything every kernel of the road reads, so that each can be timed alone on what it meets there.
#ifndef ALTIPLANO_BENCH_TILE_H_
#define ALTIPLANO_BENCH_TILE_H_

#include <cstdint>
#include <vector>

#include "big_buffer.h"
#include "drop_outliers.h"
#include "dsm_from_disparity.h"
#include "height_bounds.h"
#include "match.h"
#include "merge_block.h"
#include "rasterize.h"
#include "rectify.h"
#include "search_range.h"
#include "triangulate.h"

namespace altiplano::bench {

// A rectified pair as JavaScript gives it; dense arrays, all pixels valid.
struct PairInput {
  ImageView<const float> ref, sec;
  ImageView<const int16_t> low;
  int count = 0;
  int secOffset = 0;
  bool is8Bit = false;  // the images' content, which rectify reads as bytes or as 16-bit numbers
};

struct DisparityImages {
  Image<float> disparity;
  Image<uint16_t> validity;
  Image<float> confidence;
  DisparityImages() = default;
  DisparityImages(int width, int height) : disparity(width, height), validity(width, height), confidence(width, height) {}
  DisparityViews views() { return {disparity.view(), validity.view(), confidence.view()}; }
  void copyFrom(DisparityImages& other);
};

// The inputs of all kernels, each made by the kernels before it; and a place for every output. Coordinates: rectified pixel
// (u, v) lies about 0.5 m u east and 0.5 m v south of the origin, a pixel of disparity is 1 m of height.
struct Tile {
  explicit Tile(const PairInput& input);

  int width, height, secWidth, count, secOffset;
  Image<float> ref, sec;
  Image<uint8_t> refValid, secValid;
  Image<int16_t> low;

  Image<uint8_t> refCensus, secCensus;
  Image<uint16_t> refCensusValidity, secCensusValidity;
  MatchMemory memory;
  // sgm hands its sums on row by row and keeps none. Those the winner search is timed on are kept here; for the digest of its
  // own stage sgm, or its twin if that ran last, is asked for them again.
  bool usesTwin = false;
  std::vector<BigBuffer> sums;
  // After winner, edges, refine and the filters; `work` is what kernels that work in place get a copy in.
  DisparityImages won, sharpened, refined, filtered, work;

  Image<uint8_t> window8;  // what rectify reads, turned by about 90 degrees
  Image<uint16_t> window16;
  ImageFromRect imageFromRect;
  Image<float> rectified;
  Image<uint8_t> rectifiedValid;

  Poly3 groundFromRect, rectFromGround;
  Image<float> priorLow, priorHigh;
  Image<int16_t> range;
  std::vector<uint16_t> rowCounts;
  Image<float> east, north, up;
  Image<float> keptEast, keptNorth, keptUp;  // what dropOutliers works on in place
  std::vector<float> pointEast, pointNorth, pointUp, pointWeight;  // dense, as JavaScript's arrays
  Image<float> dsmHeight, dsmWeight, dsmSpread;
  Image<uint16_t> dsmCount;
  Image<float> boundsLow, boundsHigh;
  Image<float> countCells;  // dsmCount as partials of the merge have it
  std::vector<double> featherOwn, featherBeside;
  std::vector<BlendTile> blended;  // the tile, and the haloes of its four neighbours
  Image<float> mergedHeight;
  Image<uint16_t> mergedConfidence, mergedCount, mergedSpread, mergedReason;

  MatchImage refImage() const { return {ref.view(), refValid.view()}; }
  MatchImage secImage() const { return {sec.view(), secValid.view()}; }
  RefineInput images() const { return {ref.view(), refValid.view(), sec.view(), secValid.view(), secOffset}; }
  SgmInput sgmInput() const {
    return {ref.view(),          refCensus.view(), refCensusValidity.view(), secCensus.view(),
            secCensusValidity.view(), low.view(),  count,                    secOffset};
  }
  HeightPrior prior() const;
};

// A kernel of the road. `before` restores what `run` works on in place; not timed. `twin`: the slow twin into the same outputs,
// or null. `digest`: a hash of the outputs.
struct Stage {
  const char* name;
  void (*before)(Tile&);
  void (*run)(Tile&);
  void (*twin)(Tile&);
  uint64_t (*digest)(Tile&);
};

// In the order of the road.
const std::vector<Stage>& stages();

}  // namespace altiplano::bench

#endif  // ALTIPLANO_BENCH_TILE_H_
