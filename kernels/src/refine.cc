// SPDX-License-Identifier: Apache-2.0
#include "refine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "arena.h"
#include "fraction_weights.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "refine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "refine_planes_inl.h"
#include "refine_rows_inl.h"
#include "refine_sums_inl.h"

// One lane per pixel: neighbouring pixels of a row are refined together, so that every load is contiguous and no sum
// crosses lanes. The block is worked on in strips of columns, row by row, both steps of the header behind each other: rows
// of sums live in rings of some rows' height, which stay in the first two caches.
//
//   row t       d: sums along the row
//   row t - 1   sums with the rows above and below
//   row t - 4   sums with the rows three above and below, the fit, D, W; A, R, g: sums along the row
//   row t - 5   sums with the rows above and below
//   row t - 8   sums with the rows three above and below, the new d
//
// Each step along a row reaches beyond the strip's columns by what the later ones need.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kRadius = kRefineRadius;
// Narrower strips repeat more at their ends, wider ones leave the second cache. A tile of 1024 cells is one strip.
constexpr int kMostColumns = 1536;

// Columns of a strip: the block's in as few equal shares as kMostColumns allow, whole vectors of any target.
int stripOf(int width) {
  const int strips = (width + kMostColumns - 1) / kMostColumns, columns = (width + strips - 1) / strips;
  return (columns + kLead - 1) / kLead * kLead;
}

// Columns in front of a strip's first one that steps may read.
constexpr int kMargin = 2 * kLead;

// The last `height` rows of a quantity in a strip, or of `moments` per pixel; column 0 is the strip's first.
template <int height, int moments = 1>
class Ring {
 public:
  static size_t bytes() { return Arena::bytesOf<float>(paddedWidth() * moments, height); }
  explicit Ring(Arena& arena) : rows_(arena.image<float>(paddedWidth() * moments, height)) {
    std::fill_n(rows_.data, rows_.stride * rows_.height, 0.0f);
  }
  float* row(int v) const { return rows_.row((v + height * kRadius) % height) + kMargin * moments; }
  SumsRow<moments> sums(int v) const { return SumsRow<moments>(row(v)); }

 private:
  static int paddedWidth() { return kMargin + kMostColumns + 3 * kLead + 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> rows_;
};

// A row's sums of the first hop, see NearSums.
template <int moments>
class Near {
 public:
  static size_t bytes() { return Arena::bytesOf<float>(NearSums<moments>::kStride * moments, 1); }
  explicit Near(Arena& arena) : row_(arena.image<float>(NearSums<moments>::kStride * moments, 1)) { std::fill_n(row_.data, row_.width, 0.0f); }
  NearSums<moments> sums() const { return NearSums<moments>(row_.data); }

 private:
  ImageView<float> row_;
};

// What a strip's rows are kept in.
struct StripRings {
  // Rows between the first and the last that a step reads.
  static constexpr int kOne = 1, kThree = 2 * kNear + 1, kSeven = 2 * kFar + 1, kHalf = kRadius + 1, kAll = 2 * kRadius + 1;
  explicit StripRings(Arena& arena)
      : padded(arena), disparity(arena), grey(arena), gradient(arena), warped(arena), slopeX(arena), given(arena), stepped(arena),
        smooth(arena), slopeY(arena), planeNear(arena), planeRow(arena), planeSums(arena), greyNear(arena), greyRow(arena), greySums(arena) {}
  static size_t bytes() {
    return 5 * Ring<kOne>::bytes() + 2 * Ring<kHalf>::bytes() + 3 * Ring<kAll>::bytes() + Near<kPlaneRowMoments>::bytes() +
           Ring<kThree, kPlaneRowMoments>::bytes() + Ring<kSeven, kPlaneMoments>::bytes() + Near<kGreyMoments>::bytes() +
           Ring<kThree, kGreyMoments>::bytes() + Ring<kSeven, kGreyMoments>::bytes();
  }
  Ring<kOne> padded;
  Ring<kAll> disparity;        // d, kFarPx where it, R or g does not exist
  Ring<kHalf> grey, gradient;  // R, g
  Ring<kOne> warped, slopeX, given, stepped;
  Ring<kAll> smooth, slopeY;
  Near<kPlaneRowMoments> planeNear;
  Ring<kThree, kPlaneRowMoments> planeRow;
  Ring<kSeven, kPlaneMoments> planeSums;
  Near<kGreyMoments> greyNear;
  Ring<kThree, kGreyMoments> greyRow;
  Ring<kSeven, kGreyMoments> greySums;
};

// Columns that may be read in front of and behind a row of the secondary.
int secMargin() { return 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())) + kTaps; }

// One iteration over a strip: from -> to, one of which may be `start`, the disparities given. Missing ones are NaN in `start` and
// kFarPx in others.
void iterate(const RefineInput& in, const Setup& setup, const Strip& strip, ImageView<const float> start, ImageView<const float> from,
             ImageView<float> to, const StripRings& rings, float* secondary) {
  const hn::ScalableTag<float> df;
  const int blockHeight = in.ref.height, columns = strip.columns, lanes = static_cast<int>(hn::Lanes(df));
  const bool isFirst = from.data == start.data;
  const auto around = [&](auto at, int v, int hop) { return std::array{at(v - kHops[hop]), at(v), at(v + kHops[hop])}; };
  const auto d = [&](int v) -> const float* { return rings.disparity.row(v); };
  const auto smooth = [&](int v) -> const float* { return rings.smooth.row(v); };
  for (int t = -kRadius; t < blockHeight + 2 * kRadius; ++t) {
    if (t < blockHeight + kRadius) {
      if (t < 0 || t >= blockHeight) {
        std::fill_n(rings.disparity.row(t) - kLead, columns + 2 * kLead, kFarPx);
      } else {
        readReferenceRow(df, in, setup.refBase, strip, t, from.row(t), rings.padded.row(t), rings.disparity.row(t), rings.grey.row(t),
                         rings.gradient.row(t));
      }
      prefetchRow(from, t + 1, strip.first, columns);
      sumPlaneRow(df, setup, d(t), -kLead, columns + kRadius, rings.planeNear.sums(), rings.planeRow.sums(t));
      prefetchRow(in.ref, t + 1, strip.first, columns);
      if (t - kNear > -kRadius) {
        const auto sums = [&](int v) { return rings.planeRow.sums(v); };
        sumPlaneRows(df, setup, around(d, t - kNear, 0), around(sums, t - kNear, 0), -kLead, columns + kRadius,
                     rings.planeSums.sums(t - kNear));
      }
    }
    const int y = t - kRadius;
    if (y < -kRadius) continue;
    prefetchRow(in.refValid, t + 1, strip.first, columns);
    if (y < 0 || y >= blockHeight) {
      std::fill_n(rings.smooth.row(y) - kLead, kLead + columns + kRadius + lanes, kFarPx);
    } else {
      const auto sums = [&](int v) { return rings.planeSums.sums(v); };
      fitPlanes(df, setup, around(d, y, 1), around(sums, y, 1), -kLead, columns + kRadius, rings.smooth.row(y), rings.slopeX.row(y),
                rings.slopeY.row(y));
      readSecondaryRow(df, in, setup.secBase, y, strip.first + in.secOffset, rings.smooth.row(y), -kLead, columns + kRadius, secondary);
      warpRow(df, setup, secondary, in.sec.width, strip.first + in.secOffset, -kLead, columns + kRadius, rings.smooth.row(y),
              rings.warped.row(y));
      sumGreyRow(df, setup, rings.smooth.row(y), rings.slopeX.row(y), rings.warped.row(y), rings.grey.row(y), rings.gradient.row(y), 0,
                 columns, rings.greyNear.sums(), rings.greyRow.sums(y));
    }
    prefetchRow(isFirst ? ImageView<const float>(to) : start, y - kRadius + 1, strip.first, columns);
    if (y - kNear >= 0 && y - kNear < blockHeight) {
      const auto sums = [&](int v) { return rings.greyRow.sums(v); };
      sumGreyRows(df, setup, around(smooth, y - kNear, 0), rings.slopeY.row(y - kNear), around(sums, y - kNear, 0), 0, columns,
                  rings.greySums.sums(y - kNear));
    }
    const int v = y - kRadius;
    if (v < 0) continue;
    const auto sums = [&](int row) { return rings.greySums.sums(row); };
    const float* given = d(v);
    if (!isFirst) {
      std::copy_n(start.row(v) + strip.first, columns, rings.given.row(v));
      given = rings.given.row(v);
    }
    float* const stepped = rings.stepped.row(v);
    stepRow(df, setup, around(smooth, v, 1), rings.slopeY.row(v), around(sums, v, 1), d(v), given, 0, columns, stepped);
    float* const result = to.row(v) + strip.first;
    if (to.data != start.data) {
      std::copy_n(stepped, columns, result);
    } else {
      for (int u = 0; u < columns; ++u) result[u] = stepped[u] == kFarPx ? result[u] : stepped[u];
    }
  }
}

size_t refineBytesSimd(int width, int height, int secWidth) {
  return 2 * Arena::bytesOf<float>(width, height) + StripRings::bytes() + Arena::bytesOf<float>(secWidth + 2 * secMargin(), 1);
}

void refineDisparitySimd(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory) {
  const int width = in.ref.width, height = in.ref.height;
  Setup setup{options, {}, fractionWeights(), greyBase(in.ref, in.refValid), greyBase(in.sec, in.secValid)};
  for (const int hop : {0, 1}) setup.tightness[hop] = kNearness[hop] / (options.similarityPx * options.similarityPx);
  Arena arena(memory, refineBytesSimd(width, height, in.sec.width));
  ImageView<float> from = disparity, to = arena.image<float>(width, height), next = arena.image<float>(width, height);
  const StripRings rings(arena);
  float* const secondary = arena.image<float>(in.sec.width + 2 * secMargin(), 1).data + secMargin();
  const int strip = stripOf(width);
  for (int round = 0; round < options.iterations; ++round) {
    if (round > 0 && round + 1 == options.iterations) to = disparity;
    for (int first = 0; first < width; first += strip) {
      iterate(in, setup, {first, std::min(strip, width - first)}, disparity, from, to, rings, secondary);
    }
    from = std::exchange(to, next);
    next = from;
  }
  if (options.iterations != 1) return;
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) disparity.at(u, v) = from.at(u, v) == kFarPx ? disparity.at(u, v) : from.at(u, v);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(refineDisparitySimd);

HWY_EXPORT(refineBytesSimd);

void refineDisparity(const RefineInput& input, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory) {
  HWY_DYNAMIC_DISPATCH(refineDisparitySimd)(input, options, disparity, memory);
}

size_t refineBytes(int width, int height, int secWidth) { return HWY_DYNAMIC_DISPATCH(refineBytesSimd)(width, height, secWidth); }
}  // namespace altiplano
#endif
