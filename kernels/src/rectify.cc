// SPDX-License-Identifier: Apache-2.0
#include "rectify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rectify.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {

// Output is made in square blocks: lines of constant u or v then run over few enough source rows (they often
// lie along the source's columns) that a block's 39 x 39 source pixels stay in the first-level cache.
constexpr int kBlock = 32;

// Where one line of a block reads: whole pixel (already with the border added) and phase, of both axes.
struct Positions {
  int32_t x[kBlock], y[kBlock], xPhase[kBlock], yPhase[kBlock];
};

// Clamping keeps the address inside the border, where nothing is marked valid.
HWY_INLINE void split(double position, double limit, int32_t& whole, int32_t& phase) {
  position = std::max(-2.0, std::min(limit + 1.0, position));
  const double floor = std::floor(position + 0.5 / kPhases);
  whole = static_cast<int32_t>(floor) + kSourceBorder;
  phase = static_cast<int32_t>((position - floor) * kPhases + 0.5);
}

void locate(const RectifySource& source, const ImageFromRect& map, int u, int v, int count, Positions& at) {
  const double y = (v - map.vOff) / map.vScale;
  const RowPolynomial colOf(map.col, y), rowOf(map.row, y);
  for (int i = 0; i < count; ++i) {
    const double x = (u + i - map.uOff) / map.uScale;
    split(colOf.at(x) - source.col0, source.width, at.x[i], at.xPhase[i]);
    split(rowOf.at(x) - source.row0, source.height, at.y[i], at.yPhase[i]);
  }
}

constexpr int kBetweenBits = kPhaseBits - kTableBits;

HWY_INLINE float between(int32_t phase) {
  return static_cast<float>(phase & ((1 << kBetweenBits) - 1)) / (1 << kBetweenBits);
}

// The 8 x 8 dot product: sums over rows lane by lane, then over lanes as 8, 4, 2, 1. `pixel`: first of the 64.
HWY_INLINE float interpolate(const InterpolationTable& table, const float* HWY_RESTRICT pixel, ptrdiff_t stride,
                             int32_t xPhase, int32_t yPhase) {
  const int32_t xEntry = xPhase >> kBetweenBits, yEntry = yPhase >> kBetweenBits;
  const float* xWeight = table.weight[xEntry];
  const float* xStep = table.step[xEntry];
  const float* yWeight = table.weight[yEntry];
  const float* yStep = table.step[yEntry];
#if HWY_TARGET != HWY_SCALAR && HWY_MAX_BYTES >= 16
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<float, 4> d4;
  const auto xBetween = between(xPhase), yBetween = between(yPhase);
#if HWY_MAX_BYTES >= 32
  const hn::FixedTag<float, 8> d;
  HWY_ALIGN float down[kTaps];
  hn::Store(hn::Add(hn::Load(d, yWeight), hn::Mul(hn::Set(d, yBetween), hn::Load(d, yStep))), d, down);
  auto sum = hn::Mul(hn::Set(d, down[0]), hn::LoadU(d, pixel));
  for (int r = 1; r < kTaps; ++r) sum = hn::Add(sum, hn::Mul(hn::Set(d, down[r]), hn::LoadU(d, pixel + r * stride)));
  sum = hn::Mul(sum, hn::Add(hn::Load(d, xWeight), hn::Mul(hn::Set(d, xBetween), hn::Load(d, xStep))));
  const auto four = hn::Add(hn::LowerHalf(sum), hn::UpperHalf(d4, sum));
#else
  HWY_ALIGN float down[kTaps];
  const auto weights = [&](const float* weight, const float* step, float f, int half) HWY_ATTR {
    return hn::Add(hn::Load(d4, weight + half), hn::Mul(hn::Set(d4, f), hn::Load(d4, step + half)));
  };
  hn::Store(weights(yWeight, yStep, yBetween, 0), d4, down);
  hn::Store(weights(yWeight, yStep, yBetween, 4), d4, down + 4);
  auto low = hn::Mul(hn::Set(d4, down[0]), hn::LoadU(d4, pixel));
  auto high = hn::Mul(hn::Set(d4, down[0]), hn::LoadU(d4, pixel + 4));
  for (int r = 1; r < kTaps; ++r) {
    const auto weight = hn::Set(d4, down[r]);
    low = hn::Add(low, hn::Mul(weight, hn::LoadU(d4, pixel + r * stride)));
    high = hn::Add(high, hn::Mul(weight, hn::LoadU(d4, pixel + r * stride + 4)));
  }
  const auto four =
      hn::Add(hn::Mul(low, weights(xWeight, xStep, xBetween, 0)), hn::Mul(high, weights(xWeight, xStep, xBetween, 4)));
#endif
  const auto two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
#else
  float lane[kTaps];
  for (int c = 0; c < kTaps; ++c) lane[c] = 0;
  for (int r = 0; r < kTaps; ++r) {
    const float weight = yWeight[r] + between(yPhase) * yStep[r];
    for (int c = 0; c < kTaps; ++c) lane[c] += weight * pixel[r * stride + c];
  }
  for (int c = 0; c < kTaps; ++c) lane[c] *= xWeight[c] + between(xPhase) * xStep[c];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
#endif
}

void rectifyBlocks(const RectifySource& source, const ImageFromRect& map, int u0, int v0, const int32_t* extents,
                   ImageView<float> out, ImageView<uint8_t> valid) {
  const InterpolationTable& table = interpolationTable();
  const ImageView<const float> pixels = source.pixels.view();
  const ImageView<const uint8_t> support = source.support.view();
  Positions at;
  for (int j0 = 0; j0 < out.height; j0 += kBlock) {
    for (int i0 = 0; i0 < out.width; i0 += kBlock) {
      const int count = std::min(kBlock, out.width - i0);
      for (int j = j0; j < std::min(out.height, j0 + kBlock); ++j) {
        locate(source, map, u0 + i0, v0 + j, count, at);
        float* outRow = out.row(j) + i0;
        uint8_t* validRow = valid.row(j) + i0;
        const int first = extents == nullptr ? 0 : std::clamp(extents[2 * j] - i0, 0, count);
        const int end = extents == nullptr ? count : std::clamp(extents[2 * j + 1] - i0, first, count);
        std::fill(outRow, outRow + count, 0.0f);
        std::fill(validRow, validRow + count, uint8_t{0});
        for (int i = first; i < end; ++i) {
          const int needed = at.xPhase[i] == 0 ? (at.yPhase[i] == 0 ? kPixelValid : kColumnValid)
                                               : (at.yPhase[i] == 0 ? kRowValid : kBlockValid);
          const bool ok = (support.at(at.x[i], at.y[i]) & needed) != 0;
          validRow[i] = ok;
          outRow[i] = ok ? interpolate(table, &pixels.at(at.x[i] - kTapsBefore, at.y[i] - kTapsBefore), pixels.stride,
                                       at.xPhase[i], at.yPhase[i])
                         : 0.0f;
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
namespace {

// A width whose rows are an odd number of cache lines apart: columns of a block then fall into different cache
// sets whatever the window's width is.
int unaliasedWidth(int width) {
  constexpr int kLine = kRowAlignment / sizeof(float);
  const int stride = (width + 2 * kLine - 1) / kLine;  // as Image<float> rounds
  return stride % 2 == 1 ? width : width + kLine;
}

// Sets the support bits of a source whose kPixelValid bits are set, by counting runs of valid pixels that end
// kTapsAfter further on.
void markSupport(ImageView<uint8_t> support) {
  const int width = support.width, height = support.height;
  for (int y = 0; y < height; ++y) {
    uint8_t* row = support.row(y);
    int run = 0;
    for (int x = 0; x < width; ++x) {
      run = row[x] & kPixelValid ? run + 1 : 0;
      if (run >= kTaps) row[x - kTapsAfter] |= kRowValid;
    }
  }
  Image<uint8_t> runs(width, 2);
  uint8_t* pixelRun = runs.view().row(0);
  uint8_t* rowRun = runs.view().row(1);
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = support.row(y);
    uint8_t* above = support.row(std::max(0, y - kTapsAfter));
    for (int x = 0; x < width; ++x) {
      pixelRun[x] = row[x] & kPixelValid ? std::min(pixelRun[x] + 1, kTaps) : 0;
      rowRun[x] = row[x] & kRowValid ? std::min(rowRun[x] + 1, kTaps) : 0;
      above[x] |= (pixelRun[x] == kTaps ? kColumnValid : 0) | (rowRun[x] == kTaps ? kBlockValid : 0);
    }
  }
}

// Beyond its edges a line of pixels continues as its point reflection, 2 edge - mirrored, which keeps a ramp a ramp.
// A pixel there has data where both have.
struct Reflection {
  int to, edge, mirrored;
};

// The pixels beyond the edges of a line of `count`.
std::array<Reflection, 2 * kSourceBorder> reflections(int count) {
  std::array<Reflection, 2 * kSourceBorder> all;
  for (int i = 1; i <= kSourceBorder; ++i) {
    all[static_cast<size_t>(i - 1)] = {-i, 0, std::min(i, count - 1)};
    all[static_cast<size_t>(kSourceBorder + i - 1)] = {count - 1 + i, count - 1, std::max(count - 1 - i, 0)};
  }
  return all;
}

// No position beyond the centres of the window's outer pixels is valid, whatever lies under the kernel.
void clearOutside(ImageView<uint8_t> support, int width, int height) {
  for (int y = 0; y < support.height; ++y) {
    const int row = y - kSourceBorder;
    for (int x = 0; x < support.width; ++x) {
      const int col = x - kSourceBorder;
      if (col < 0 || row < 0 || col >= width || row >= height) support.at(x, y) = 0;
      if (col == width - 1) support.at(x, y) &= kPixelValid | kColumnValid;
      if (row == height - 1) support.at(x, y) &= kPixelValid | kRowValid;
    }
  }
}

}  // namespace

template <typename T>
RectifySource makeRectifySource(ImageView<const T> window, ImageView<const uint8_t> mask, int col0, int row0) {
  const int width = window.width + 2 * kSourceBorder, height = window.height + 2 * kSourceBorder;
  RectifySource source{col0, row0, window.width, window.height, Image<float>(unaliasedWidth(width), height),
                       Image<uint8_t>(width, height)};
  const ImageView<float> padded = source.pixels.view();
  const ImageView<uint8_t> support = source.support.view();
  const auto across = reflections(window.width);
  for (int y = 0; y < window.height; ++y) {
    const T* in = window.row(y);
    const uint8_t* inMask = mask.data == nullptr ? nullptr : mask.row(y);
    float* toPixels = &padded.at(kSourceBorder, y + kSourceBorder);
    uint8_t* toSupport = &support.at(kSourceBorder, y + kSourceBorder);
    for (int x = 0; x < window.width; ++x) {
      bool ok = inMask == nullptr || inMask[x] != 0;
      if constexpr (std::is_floating_point_v<T>) ok = ok && std::isfinite(in[x]);
      toPixels[x] = ok ? static_cast<float>(in[x]) : 0.0f;
      toSupport[x] = ok ? kPixelValid : 0;
    }
    for (const auto& [to, edge, mirrored] : across) {
      toSupport[to] = toSupport[edge] & toSupport[mirrored];
      toPixels[to] = toSupport[to] != 0 ? 2 * toPixels[edge] - toPixels[mirrored] : 0.0f;
    }
  }
  for (const auto& [to, edge, mirrored] : reflections(window.height)) {
    for (int x = 0; x < width; ++x) {
      const uint8_t ok = support.at(x, edge + kSourceBorder) & support.at(x, mirrored + kSourceBorder);
      support.at(x, to + kSourceBorder) = ok;
      padded.at(x, to + kSourceBorder) =
          ok != 0 ? 2 * padded.at(x, edge + kSourceBorder) - padded.at(x, mirrored + kSourceBorder) : 0.0f;
    }
  }
  markSupport(source.support.view());
  clearOutside(source.support.view(), window.width, window.height);
  return source;
}

template RectifySource makeRectifySource(ImageView<const uint8_t>, ImageView<const uint8_t>, int, int);
template RectifySource makeRectifySource(ImageView<const uint16_t>, ImageView<const uint8_t>, int, int);
template RectifySource makeRectifySource(ImageView<const int16_t>, ImageView<const uint8_t>, int, int);
template RectifySource makeRectifySource(ImageView<const float>, ImageView<const uint8_t>, int, int);

HWY_EXPORT(rectifyBlocks);

void rectify(const RectifySource& source, const ImageFromRect& imageFromRect, int u0, int v0, const int32_t* extents,
             ImageView<float> out, ImageView<uint8_t> valid) {
  HWY_DYNAMIC_DISPATCH(rectifyBlocks)(source, imageFromRect, u0, v0, extents, out, valid);
}

}  // namespace altiplano
#endif  // HWY_ONCE
