// SPDX-License-Identifier: Apache-2.0
// For the population count of bytes.
#define HWY_WANT_AVX3_DL

#include "sgm.h"

#include <algorithm>
#include <cassert>

#include "sgm_paths.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sgm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sgm_rows_inl.h"
#include "sgm_sweep_inl.h"

// Two sweeps over the image aggregate four paths each: downwards those from the left, above left, above and
// above right; upwards the mirrored ones. With e = L - C, which lies in [0, P2],
//   e(d) = min(min(L(q, d), L(q, d - 1) + P1, L(q, d + 1) + P1) - least(q), P2),
// the sums are 8 C + (e of the 4 paths downwards) + (e of the 4 paths upwards). The first sweep stores its four e as
// one byte a candidate, the only volume in memory; the second computes the costs anew, which is cheaper
// than to read them, and hands on finished rows. A path starts where P2 is set to 0: then e = 0, whatever is before it.
//
// L stays within 8 bits: C <= 64 and e <= 63, so that 255, which saturating addition keeps, always means "no such
// candidate": 255 - least >= 128 > P2.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

size_t sgmBytesSimd(int width, int height, int count) {
  const size_t volume = static_cast<size_t>(width) * static_cast<size_t>(sgmStride(count)) * static_cast<size_t>(height);
  return volume + Penalties::bytesOf(width, height);
}

template <int kVectors, class D8>
void sgmWith(D8 d8, const SgmInput& in, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  const int width = in.width(), height = in.height(), stride = sgmStride(in.count);
  const size_t rowBytes = static_cast<size_t>(width) * static_cast<size_t>(stride);
  const size_t volume = rowBytes * static_cast<size_t>(height);
  uint8_t* const excesses = memory.atLeast(sgmBytesSimd(width, height, in.count));
  Image<uint16_t> sums(width * stride, 1);
  Image<uint8_t> padding(stride, 1);
  std::fill(padding.view().row(0) + in.count, padding.view().row(0) + stride, kInfinite);
  RowCollector collector(width, in.secCensus.width, stride, Penalties(excesses + volume, width));
  Along along(stride);
  Shifted scratch(stride);

  for (const int dv : {1, -1}) {
    PathRow aboveLeft(width, stride, 2), above(width, stride, 1), aboveRight(width, stride, 0);
    PathRow* const paths[kAbove] = {&aboveLeft, &above, &aboveRight};
    RowExtent before{0, -1};
    for (int j = 0; j < height; ++j) {
      const int v = dv > 0 ? j : height - 1 - j;
      const RowExtent extent = extentOf(in.refValidity, v);
      for (PathRow* path : paths) path->nextRow();
      if (extent.first <= extent.last) {
        RowTask row{};
        row.pixels = collector.collect(in, options, v, dv, extent, before);
        row.low = in.low.row(v);
        row.lowAbove = j > 0 ? in.low.row(v - dv) : row.low;
        row.secondary = &collector.secondary();
        row.padding = padding.view().row(0);
        row.extent = extent;
        row.dv = dv, row.width = width, row.stride = stride, row.p1 = options.p1;
        row.excesses = excesses + static_cast<size_t>(v) * rowBytes;
        row.sums = sums.view().row(0);
        if (dv > 0) {
          sweepRow<false, kVectors>(d8, row, paths, along, scratch);
        } else {
          sweepRow<true, kVectors>(d8, row, paths, along, scratch);
        }
      }
      before = extent;
      if (dv < 0) sink(v, sums.view().row(0));
    }
  }
}

void sgmSimd(const SgmInput& input, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  const hn::ScalableTag<uint8_t> whole;
  const hn::CappedTag<uint8_t, kSgmPadding> padding;
  const size_t stride = static_cast<size_t>(sgmStride(input.count));
  if (stride == hn::Lanes(whole)) {
    sgmWith<1>(whole, input, options, memory, sink);
  } else if (stride % hn::Lanes(whole) == 0) {
    sgmWith<0>(whole, input, options, memory, sink);
  } else if (stride == hn::Lanes(padding)) {
    sgmWith<1>(padding, input, options, memory, sink);
  } else {
    sgmWith<0>(padding, input, options, memory, sink);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(sgmSimd);
HWY_EXPORT(sgmBytesSimd);

void sgm(const SgmInput& input, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  assert(options.p1 > 0 && options.p1 <= options.p2 && options.p2 <= kMaxP2);
  HWY_DYNAMIC_DISPATCH(sgmSimd)(input, options, memory, sink);
}

size_t sgmBytes(int width, int height, int count) { return HWY_DYNAMIC_DISPATCH(sgmBytesSimd)(width, height, count); }

RowExtent extentOf(ImageView<const uint16_t> refValidity, int v) {
  const uint16_t* row = refValidity.row(v);
  RowExtent extent{0, refValidity.width - 1};
  while (extent.first <= extent.last && row[extent.first] != 0) ++extent.first;
  while (extent.last > extent.first && row[extent.last] != 0) --extent.last;
  return extent;
}
}  // namespace altiplano
#endif
