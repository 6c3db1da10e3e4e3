// SPDX-License-Identifier: Apache-2.0
#include "match.h"

#include "census.h"

namespace altiplano {

void matchPair(const MatchImage& ref, const MatchImage& sec, ImageView<const int16_t> low, int count, int secOffset,
               const MatchOptions& options, const DisparityViews& out) {
  const int width = ref.data.width, height = ref.data.height, secWidth = sec.data.width;
  {  // the aggregation's memory, the most by far, is gone before the refinement
    Image<uint8_t> refCensus(width, kCensusBytes * height), secCensus(secWidth, kCensusBytes * height);
    Image<uint16_t> refValidity(width, height), secValidity(secWidth, height);
    censusTransform(ref.data, ref.valid, refCensus.view(), refValidity.view());
    censusTransform(sec.data, sec.valid, secCensus.view(), secValidity.view());
    const SgmInput input{ref.data,         refCensus.view(), refValidity.view(), secCensus.view(),
                         secValidity.view(), low,            count,              secOffset};
    DisparitySelector selector(input, options.disparity, out);
    sgm(input, options.sgm, [&selector](int v, const uint16_t* sums) { selector.select(v, sums); });
  }
  const RefineInput images{ref.data, ref.valid, sec.data, sec.valid, secOffset};
  sharpenEdges(images, options.edges, out);
  refineDisparity(images, options.refine, out.disparity);
}

}  // namespace altiplano
