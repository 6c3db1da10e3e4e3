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

// The volume's bytes of row v. Rows start where any vector may.
size_t volumeBytes(const SgmInput& in, int v) {
  const size_t bytes = static_cast<size_t>(in.width()) * static_cast<size_t>(sgmStride(in.countOf(v)));
  return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

size_t volumeBytes(const SgmInput& in) {
  size_t bytes = 0;
  for (int v = 0; v < in.height(); ++v) bytes += volumeBytes(in, v);
  return bytes;
}

size_t sgmBytesSimd(const SgmInput& in) { return volumeBytes(in) + Penalties::bytesOf(in.width(), in.height()); }

template <bool kLast>
void sweep(const RowTask& row, PathRow* const (&paths)[kAbove], Along& along, Shifted& scratch) {
  const hn::ScalableTag<uint8_t> whole;
  const hn::CappedTag<uint8_t, kSgmPadding> padding;
  const size_t stride = static_cast<size_t>(row.stride);
  if (stride == hn::Lanes(whole)) {
    sweepRow<kLast, 1>(whole, row, paths, along, scratch);
  } else if (stride % hn::Lanes(whole) == 0) {
    sweepRow<kLast, 0>(whole, row, paths, along, scratch);
  } else if (stride == hn::Lanes(padding)) {
    sweepRow<kLast, 1>(padding, row, paths, along, scratch);
  } else {
    sweepRow<kLast, 0>(padding, row, paths, along, scratch);
  }
}

void sgmSimd(const SgmInput& in, const SgmOptions& options, BigBuffer& memory, const SumsSink& sink) {
  const int width = in.width(), height = in.height(), most = sgmStride(in.count);
  // Rows of other counts may want other vectors: their slots are laid out for the widest.
  const int room = in.rowCounts.empty() ? most : (most + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  const size_t volume = volumeBytes(in);
  uint8_t* const excesses = memory.atLeast(sgmBytesSimd(in));
  Image<uint16_t> sums(width * most, 1);
  Image<uint8_t> padding(most, 1);
  RowCollector collector(width, in.secCensus.width, most, Penalties(excesses + volume, width));
  Along along(room);
  Shifted scratch(room);

  uint8_t* volumeRow = excesses;
  int padded = 0;  // the count that `padding` and `along` are for
  for (const int dv : {1, -1}) {
    PathRow aboveLeft(width, room, 2), above(width, room, 1), aboveRight(width, room, 0);
    PathRow* const paths[kAbove] = {&aboveLeft, &above, &aboveRight};
    RowExtent before{0, -1};
    for (int j = 0; j < height; ++j) {
      const int v = dv > 0 ? j : height - 1 - j;
      const RowExtent extent = extentOf(in.refValidity, v);
      for (PathRow* path : paths) path->nextRow();
      if (dv < 0) volumeRow -= volumeBytes(in, v);
      if (extent.first <= extent.last) {
        if (in.countOf(v) != padded) {
          padded = in.countOf(v);
          uint8_t* const pad = padding.view().row(0);
          std::fill(std::fill_n(pad, padded, uint8_t{0}), pad + most, kInfinite);
          along.clear();
        }
        RowTask row{};
        row.pixels = collector.collect(in, options, v, dv, extent, before);
        row.low = in.low.row(v);
        row.lowAbove = j > 0 ? in.low.row(v - dv) : row.low;
        row.secondary = &collector.secondary();
        row.padding = padding.view().row(0);
        row.extent = extent;
        row.dv = dv, row.width = width, row.p1 = options.p1;
        row.stride = sgmStride(padded), row.strideAbove = j > 0 ? sgmStride(in.countOf(v - dv)) : row.stride, row.room = room;
        row.excesses = volumeRow;
        row.sums = sums.view().row(0);
        if (dv > 0) {
          sweep<false>(row, paths, along, scratch);
        } else {
          sweep<true>(row, paths, along, scratch);
        }
      }
      before = extent;
      if (dv > 0) volumeRow += volumeBytes(in, v);
      if (dv < 0) sink(v, sums.view().row(0));
    }
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

size_t sgmBytes(const SgmInput& input) { return HWY_DYNAMIC_DISPATCH(sgmBytesSimd)(input); }

RowExtent extentOf(ImageView<const uint16_t> refValidity, int v) {
  const uint16_t* row = refValidity.row(v);
  RowExtent extent{0, refValidity.width - 1};
  while (extent.first <= extent.last && row[extent.first] != 0) ++extent.first;
  while (extent.last > extent.first && row[extent.last] != 0) --extent.last;
  return extent;
}
}  // namespace altiplano
#endif
