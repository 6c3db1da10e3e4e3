// SPDX-License-Identifier: Apache-2.0
#include "match.h"

#include <algorithm>

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

void matchPair(const MatchImage& ref, const MatchImage& sec, const MatchRange& range, int secOffset,
               const MatchOptions& options, MatchMemory& memory, const DisparityViews& out) {
  const int width = ref.data.width, height = ref.data.height, secWidth = sec.data.width;
  const CensusViews census = censusIn(memory.census, width, secWidth, height);
  censusTransform(ref.data, ref.valid, census.ref, census.refValidity);
  censusTransform(sec.data, sec.valid, census.sec, census.secValidity);
  const SgmInput input{ref.data, census.ref, census.refValidity, census.sec, census.secValidity, range.low, range.count, secOffset, range.rowCounts};
  // Room for whichever of its users needs most, so that none of them has to replace it.
  memory.volume.room(std::max({sgmBytes(input), edgesBytes(width, height, secWidth), refineBytes(width, height, secWidth)}));
  DisparitySelector selector(input, options.disparity, out);
  sgm(input, options.sgm, memory.volume, [&selector](int v, const uint16_t* sums) { selector.select(v, sums); });
  const RefineInput images{ref.data, ref.valid, sec.data, sec.valid, secOffset};
  // The volume isn't needed any more.
  sharpenEdges(images, options.edges, out, memory.volume);
  refineDisparity(images, options.refine, out.disparity, memory.volume);
}

}  // namespace altiplano
