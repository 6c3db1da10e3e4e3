// SPDX-License-Identifier: Apache-2.0
#include "rectify.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "interpolation.h"
#include "rectify_lines.h"
#include "rectify_patch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rectify.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ALTIPLANO_KERNELS_RECTIFY_CC_ONCE
#define ALTIPLANO_KERNELS_RECTIFY_CC_ONCE
namespace altiplano {
namespace {

// The most image rows that a line has values on: those between which its pixels lie, and the kernel's on both sides.
constexpr int kLineRows = kMaxRows + 16;

// Where values are interpolated: the first of the 8, and the phase.
template <int n>
struct Samples {
  int32_t first[n], phase[n];
  void set(int i, int32_t offset, int32_t fixed) {
    first[i] = offset + (fixed >> kPhaseBits) - kTapsBefore;
    phase[i] = fixed & (kPhases - 1);
  }
  // The vectors' last pixels, which nobody asked for, read something too.
  void pad(int count) {
    for (int i = count; i % 8 != 0; ++i) first[i] = phase[i] = 0;
  }
};

// Positions on an axis of `size` values in steps of a phase. Clamped to where 8 values lie inside: whatever the transform
// is, nothing else is read. Those of pixels that are valid stay as they are.
struct Axis {
  double low, high;
  explicit Axis(int size) : low(kTapsBefore * kPhases), high((static_cast<double>(size) - kTapsAfter) * kPhases - 1) {}
  int32_t fixed(double position) const {
    return static_cast<int32_t>(std::min(high, std::max(low, position * kPhases + 0.5)));
  }
};

// Within the centres of the outer pixels, once rounded.
bool isInside(double position, int size) {
  const double fixed = std::floor(position * kPhases + 0.5);
  return fixed >= 0 && fixed <= (size - 1.0) * kPhases;
}

// Values on the lines of a block, or, where there are none, 8 for each pixel of a row.
struct Lines {
  alignas(64) float values[kBlock * kLineRows];
  uint8_t valid[kBlock * kLineRows];
  double top[kBlock];  // image row of a line's first value
};

}  // namespace
}  // namespace altiplano
#endif  // ALTIPLANO_KERNELS_RECTIFY_CC_ONCE

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[i] = the 8 values from first[i] on, weighted for phase[i]. Sums fold lanes i and i + 4, then 0 and 2, 1 and 3, then
// the two: 4 or 8 sums side by side. `out` and the positions have room for a multiple of 8.
void interpolate(const float* HWY_RESTRICT values, const int32_t* HWY_RESTRICT first,
                 const int32_t* HWY_RESTRICT phase, int count, float* HWY_RESTRICT out) {
  const PhaseTable& table = phaseTable();
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < count; ++i) {
    const float* value = values + first[i];
    const float* weight = table.weight[phase[i]];
    const auto pair = [&](int k) { return value[k] * weight[k] + value[k + 4] * weight[k + 4]; };
    out[i] = (pair(0) + pair(2)) + (pair(1) + pair(3));
  }
#else
#if HWY_MAX_BYTES >= 32
  const hn::FixedTag<float, 8> d;
  const auto halves = [&](int i) HWY_ATTR {
    const auto a = hn::Mul(hn::LoadU(d, values + first[i]), hn::Load(d, table.weight[phase[i]]));
    const auto b = hn::Mul(hn::LoadU(d, values + first[i + 4]), hn::Load(d, table.weight[phase[i + 4]]));
    return hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
  };
  constexpr int kAtOnce = 8;
#else
  const hn::FixedTag<float, 4> d;
  const auto halves = [&](int i) HWY_ATTR {
    const float* value = values + first[i];
    const float* weight = table.weight[phase[i]];
    return hn::Add(hn::Mul(hn::LoadU(d, value), hn::Load(d, weight)),
                   hn::Mul(hn::LoadU(d, value + 4), hn::Load(d, weight + 4)));
  };
  constexpr int kAtOnce = 4;
#endif
  const hn::Repartition<double, decltype(d)> d64;
  for (int i = 0; i < count; i += kAtOnce) {
    const auto fold = [&](int k) HWY_ATTR {
      const auto even = halves(k), odd = halves(k + 1);
      return hn::BitCast(d64, hn::Add(hn::InterleaveLower(d, even, odd), hn::InterleaveUpper(d, even, odd)));
    };
    const auto low = fold(i), high = fold(i + 2);
    hn::StoreU(hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, low, high)),
                       hn::BitCast(d, hn::InterleaveUpper(d64, low, high))),
               d, out + i);
  }
#endif
}

// Whether all that `interpolate` reads for a value is valid: all 8, or on a whole pixel that one.
void support(const uint8_t* valid, const int32_t* first, const int32_t* phase, int count, uint8_t* out) {
  for (int i = 0; i < count; ++i) {
    const uint8_t* at = valid + first[i];
    uint8_t all = at[kTapsBefore];
    if (phase[i] != 0) {
      for (int k = 0; k < kTaps; ++k) all &= at[k];
    }
    out[i] = all;
  }
}

// Fills a patch that lies inside the window and is valid; false where it isn't.
template <typename T>
bool copyWhole(const SourceWindow<T>& window, Patch& patch) {
  const int left = patch.col0 - window.col0, top = patch.row0 - window.row0;
  if (left < 0 || top < 0 || left + patch.width > window.pixels.width || top + patch.height > window.pixels.height) {
    return false;
  }
  for (int y = 0; window.mask.data != nullptr && y < patch.height; ++y) {
    if (std::memchr(window.mask.row(top + y) + left, 0, static_cast<size_t>(patch.width)) != nullptr) return false;
  }
  int invalid = 0;
  for (int y = 0; y < patch.height; ++y) {
    const T* HWY_RESTRICT from = window.pixels.row(top + y) + left;
    float* HWY_RESTRICT to = &patch.pixels[static_cast<size_t>(y) * static_cast<size_t>(patch.width)];
    for (int x = 0; x < patch.width; ++x) to[x] = static_cast<float>(from[x]);
    if constexpr (std::is_floating_point_v<T>) {
      for (int x = 0; x < patch.width; ++x) invalid |= !(std::fabs(from[x]) <= std::numeric_limits<float>::max());
    }
  }
  return invalid == 0;
}

// The values of a line on image rows from `line.top` on.
void makeLine(const Patch& patch, const BlockLine& line, Lines& lines, int slot) {
  Samples<kLineRows> at;
  const int top = static_cast<int>(std::floor(line.lowRow)) - kTapsBefore - 1;
  const int count = static_cast<int>(std::floor(line.highRow)) + kTapsAfter + 2 - top;
  const Axis across(patch.width);
  for (int i = 0; i < count; ++i) {
    // A line may leave the patch where it is far outside the window.
    const int row = std::clamp(top + i - patch.row0, 0, patch.height - 1);
    at.set(i, row * patch.width, across.fixed(line.colAt(top + i) - patch.col0));
  }
  at.pad(count);
  interpolate(patch.pixels.data(), at.first, at.phase, count, lines.values + slot * kLineRows);
  if (!patch.isWhole) support(patch.readable.data(), at.first, at.phase, count, lines.valid + slot * kLineRows);
  lines.top[slot] = top;
}

// One output row of a block from its values: pixels u, u + 1, ... of row v; `slot` counts the lines they are on.
struct RowJob {
  int u, v, count;
  float* out;
  uint8_t* valid;
};

void finishRow(const RowJob& job, const Patch& patch, const Lines& lines, const Samples<kBlock>& at) {
  if (job.count % 8 == 0) {
    interpolate(lines.values, at.first, at.phase, job.count, job.out);
  } else {
    HWY_ALIGN float sums[kBlock];
    interpolate(lines.values, at.first, at.phase, job.count, sums);
    std::copy_n(sums, job.count, job.out);
  }
  if (patch.isWhole) {
    std::fill_n(job.valid, job.count, uint8_t{1});
  } else {
    support(lines.valid, at.first, at.phase, job.count, job.valid);
  }
}

// Along lines of constant v the row lies on slot 0; of constant u its pixels lie on slots `slot`, `slot` + 1, ...
void rowFromLines(const ImageFromRect& map, const RowJob& job, const Patch& patch, const Lines& lines, LineKind kind,
                  int slot) {
  Samples<kBlock> at;
  const RectRow row(map, job.v);
  const Axis along(kLineRows);
  const int step = kind == LineKind::kConstantV ? 0 : 1;
  for (int i = 0; i < job.count; ++i) {
    const int own = slot + step * i;
    at.set(i, own * kLineRows, along.fixed(row.rowOf.at(xOf(map, job.u + i)) - lines.top[own]));
  }
  at.pad(job.count);
  finishRow(job, patch, lines, at);
}

// Without lines: 8 rows at each pixel's own column.
void rowFromPixels(const ImageFromRect& map, const RowJob& job, const Patch& patch, Lines& lines) {
  Samples<kTaps * kBlock> across;
  Samples<kBlock> along;
  const RectRow positions(map, job.v);
  const Axis cols(patch.width), rows(patch.height);
  int32_t col[kBlock], row[kBlock];
  for (int i = 0; i < job.count; ++i) {
    const ImagePosition at = positions.at(xOf(map, job.u + i));
    col[i] = cols.fixed(at.col - patch.col0), row[i] = rows.fixed(at.row - patch.row0);
  }
  for (int i = 0; i < job.count; ++i) {
    const int top = (row[i] >> kPhaseBits) - kTapsBefore;
    for (int k = 0; k < kTaps; ++k) across.set(kTaps * i + k, (top + k) * patch.width, col[i]);
    along.first[i] = kTaps * i;
    along.phase[i] = row[i] & (kPhases - 1);
  }
  along.pad(job.count);
  interpolate(patch.pixels.data(), across.first, across.phase, kTaps * job.count, lines.values);
  if (!patch.isWhole) support(patch.readable.data(), across.first, across.phase, kTaps * job.count, lines.valid);
  finishRow(job, patch, lines, along);
}

// Pixels of a patch that isn't whole lie outside the window, or are not what was asked for.
void clearOutside(const ImageFromRect& map, const RowJob& job, int col0, int row0, int width, int height) {
  const RectRow positions(map, job.v);
  for (int i = 0; i < job.count; ++i) {
    const ImagePosition at = positions.at(xOf(map, job.u + i));
    if (!isInside(at.col - col0, width) || !isInside(at.row - row0, height)) job.valid[i] = 0;
    if (job.valid[i] == 0) job.out[i] = 0;
  }
}

// Columns [first, end) of a row, not valid.
void clear(ImageView<float> out, ImageView<uint8_t> valid, int first, int end, int row) {
  if (first >= end) return;
  std::fill(out.row(row) + first, out.row(row) + end, 0.0f);
  std::fill(valid.row(row) + first, valid.row(row) + end, uint8_t{0});
}

template <typename T>
void rectifyBlocks(const SourceWindow<T>& window, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
                   ImageView<float> out, ImageView<uint8_t> valid) {
  const auto lines = std::make_unique<Lines>();
  Patch patch;
  for (int blockV = blockStart(v0); blockV < v0 + out.height; blockV += kBlock) {
    const int firstV = std::max(blockV, v0), endV = std::min(blockV + kBlock, v0 + out.height);
    for (int blockU = blockStart(u0); blockU < u0 + out.width; blockU += kBlock) {
      const int firstU = std::max(blockU, u0), endU = std::min(blockU + kBlock, u0 + out.width);
      // The wanted columns of a row of this block, and of all its rows.
      const auto wanted = [&](int v) -> std::pair<int, int> {
        if (extents == nullptr) return {firstU, endU};
        const int32_t* row = extents + 2 * (v - v0);
        return {std::max(firstU, u0 + row[0]), std::min(endU, u0 + row[1])};
      };
      Wanted all{endU, firstU, endV, firstV};
      for (int v = firstV; v < endV; ++v) {
        const auto [first, end] = wanted(v);
        if (first < end) all = {std::min(all.lowU, first), std::max(all.highU, end), std::min(all.lowV, v), v + 1};
      }
      const LineKind kind = lineKind(map, blockU, blockV);
      const bool isSeen = all.lowU < all.highU && placePatch(window, map, all, patch);
      for (int v = firstV; v < endV; ++v) {
        const auto [first, end] = isSeen ? wanted(v) : std::pair{endU, endU};
        clear(out, valid, firstU - u0, std::min(first, endU) - u0, v - v0);
        clear(out, valid, std::max(first, end) - u0, endU - u0, v - v0);
      }
      if (!isSeen) continue;

      patch.isWhole = copyWhole(window, patch);
      if (!patch.isWhole) copyPart(window, patch);
      const BlockLines blockLines(map, kind, blockU, blockV);
      for (int u = all.lowU; kind == LineKind::kConstantU && u < all.highU; ++u) {
        makeLine(patch, blockLines.line(u - blockU), *lines, u - blockU);
      }
      for (int v = firstV; v < endV; ++v) {
        const auto [first, end] = wanted(v);
        if (first >= end) continue;
        const RowJob job{first, v, end - first, &out.at(first - u0, v - v0), &valid.at(first - u0, v - v0)};
        if (kind == LineKind::kNone) {
          rowFromPixels(map, job, patch, *lines);
        } else {
          if (kind == LineKind::kConstantV) makeLine(patch, blockLines.line(v - blockV), *lines, 0);
          rowFromLines(map, job, patch, *lines, kind, kind == LineKind::kConstantV ? 0 : first - blockU);
        }
        if (!patch.isWhole) clearOutside(map, job, window.col0, window.row0, window.pixels.width, window.pixels.height);
      }
    }
  }
}

void rectifyU8(const SourceWindow<uint8_t>& window, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
               ImageView<float> out, ImageView<uint8_t> valid) {
  rectifyBlocks(window, map, u0, v0, extents, out, valid);
}
void rectifyU16(const SourceWindow<uint16_t>& window, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
                ImageView<float> out, ImageView<uint8_t> valid) {
  rectifyBlocks(window, map, u0, v0, extents, out, valid);
}
void rectifyI16(const SourceWindow<int16_t>& window, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
                ImageView<float> out, ImageView<uint8_t> valid) {
  rectifyBlocks(window, map, u0, v0, extents, out, valid);
}
void rectifyF32(const SourceWindow<float>& window, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
                ImageView<float> out, ImageView<uint8_t> valid) {
  rectifyBlocks(window, map, u0, v0, extents, out, valid);
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(rectifyU8);
HWY_EXPORT(rectifyU16);
HWY_EXPORT(rectifyI16);
HWY_EXPORT(rectifyF32);

template <typename T>
void rectify(const SourceWindow<T>& window, const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
             ImageView<float> out, ImageView<uint8_t> valid) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(rectifyU8)(window, imageFromRect, u0, v0, extents, out, valid);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(rectifyU16)(window, imageFromRect, u0, v0, extents, out, valid);
  } else if constexpr (std::is_same_v<T, int16_t>) {
    HWY_DYNAMIC_DISPATCH(rectifyI16)(window, imageFromRect, u0, v0, extents, out, valid);
  } else {
    HWY_DYNAMIC_DISPATCH(rectifyF32)(window, imageFromRect, u0, v0, extents, out, valid);
  }
}

template void rectify(const SourceWindow<uint8_t>&, const ImageFromRect&, int, int, const int32_t*, ImageView<float>,
                      ImageView<uint8_t>);
template void rectify(const SourceWindow<uint16_t>&, const ImageFromRect&, int, int, const int32_t*, ImageView<float>,
                      ImageView<uint8_t>);
template void rectify(const SourceWindow<int16_t>&, const ImageFromRect&, int, int, const int32_t*, ImageView<float>,
                      ImageView<uint8_t>);
template void rectify(const SourceWindow<float>&, const ImageFromRect&, int, int, const int32_t*, ImageView<float>,
                      ImageView<uint8_t>);

}  // namespace altiplano
#endif  // HWY_ONCE
