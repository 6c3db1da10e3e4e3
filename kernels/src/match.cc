// SPDX-License-Identifier: Apache-2.0
#include "match.h"

#include "census.h"

namespace altiplano {

namespace {

// Codes and validity of both images in one piece of memory.
struct CensusViews {
  ImageView<uint8_t> ref, sec;
  ImageView<uint16_t> refValidity, secValidity;
};

CensusViews censusIn(BigBuffer& memory, int width, int secWidth, int height) {
  const auto pixels = [height](int columns) { return static_cast<size_t>(columns) * static_cast<size_t>(height); };
  const size_t both = pixels(width) + pixels(secWidth);
  auto* const validity = reinterpret_cast<uint16_t*>(memory.room((sizeof(uint16_t) + kCensusBytes) * both));
  auto* const codes = reinterpret_cast<uint8_t*>(validity + both);
  return {denseView(codes, width, kCensusBytes * height),
          denseView(codes + kCensusBytes * pixels(width), secWidth, kCensusBytes * height),
          denseView(validity, width, height), denseView(validity + pixels(width), secWidth, height)};
}

}  // namespace

void matchPair(const MatchImage& ref, const MatchImage& sec, ImageView<const int16_t> low, int count, int secOffset,
               const MatchOptions& options, MatchMemory& memory, const DisparityViews& out) {
  const CensusViews census = censusIn(memory.census, ref.data.width, sec.data.width, ref.data.height);
  censusTransform(ref.data, ref.valid, census.ref, census.refValidity);
  censusTransform(sec.data, sec.valid, census.sec, census.secValidity);
  const SgmInput input{ref.data, census.ref, census.refValidity, census.sec, census.secValidity, low, count, secOffset};
  DisparitySelector selector(input, options.disparity, out);
  sgm(input, options.sgm, memory.volume, [&selector](int v, const uint16_t* sums) { selector.select(v, sums); });
  const RefineInput images{ref.data, ref.valid, sec.data, sec.valid, secOffset};
  sharpenEdges(images, options.edges, out);
  refineDisparity(images, options.refine, out.disparity);
}

}  // namespace altiplano
