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
// Narrower strips repeat more at their ends, wider ones leave the second cache.
constexpr int kMostColumns = 768;

// Columns of a strip: the block's in as few equal shares as kMostColumns allow, whole vectors of any target.
int stripOf(int width) {
  const int strips = (width + kMostColumns - 1) / kMostColumns, columns = (width + strips - 1) / strips;
  return (columns + kLead - 1) / kLead * kLead;
}

// A full-size image with kMargin columns in front and behind, more for whole vectors, and kRadius rows above and below.
class Plane {
 public:
  static constexpr int kMargin = 2 * kLead;
  static size_t bytes(int width, int height) { return Arena::bytesOf<float>(paddedWidth(width), height + 2 * kRadius); }
  // margin: the value of all that is not the image.
  Plane(Arena& arena, int width, int height, float margin) : image_(arena.image<float>(paddedWidth(width), height + 2 * kRadius)) {
    for (int v = -kRadius; v < height + kRadius; ++v) {
      const bool isMargin = v < 0 || v >= height;
      std::fill_n(row(v) - kMargin, isMargin ? image_.width : kMargin, margin);
      std::fill_n(row(v) + width, image_.width - kMargin - width, margin);
    }
  }
  float* row(int v) const { return image_.row(v + kRadius) + kMargin; }

 private:
  static int paddedWidth(int width) { return width + 2 * kMargin + 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> image_;
};

struct Planes {
  Planes(Arena& arena, int width, int height, int secWidth)
      : disparity(arena, width, height, kFarPx),
        next(arena, width, height, kFarPx),
        grey(arena, width, height, 0),
        gradient(arena, width, height, 0),
        secondary(arena.image<float>(secWidth + 2 * secMargin(), height)) {}
  static size_t bytes(int width, int height, int secWidth) {
    return 4 * Plane::bytes(width, height) + Arena::bytesOf<float>(secWidth + 2 * secMargin(), height);
  }
  static int secMargin() { return 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())) + kTaps; }
  float* secondaryRow(int v) const { return secondary.row(v) + secMargin(); }
  Plane disparity;  // d, kFarPx where it or g does not exist
  Plane next;
  Plane grey;      // R
  Plane gradient;  // g
  ImageView<float> secondary;  // S, NaN where there are no data, with margins for whole vectors
};

// The last `height` rows of a quantity in a strip, or of `moments` per pixel; column 0 is the strip's first.
template <int height, int moments = 1>
class Ring {
 public:
  static size_t bytes() { return Arena::bytesOf<float>(paddedWidth() * moments, height); }
  explicit Ring(Arena& arena) : rows_(arena.image<float>(paddedWidth() * moments, height)) {
    std::fill_n(rows_.data, rows_.stride * rows_.height, 0.0f);
  }
  float* row(int v) const { return rows_.row((v + height * kRadius) % height) + Plane::kMargin * moments; }
  SumsRow<moments> sums(int v) const { return SumsRow<moments>(row(v)); }

 private:
  static int paddedWidth() { return Plane::kMargin + kMostColumns + 3 * kLead + 2 * static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> rows_;
};

// W of a row, and D := kFarPx where it is missing. sec: the secondary's row, NaN where data are missing and in the margins;
// column: of the secondary at disparity 0 and u = 0. Pixels of one whole disparity read side by side:
// there are as many rounds of loads as there are different ones in a vector, one or two mostly.
template <class D>
void warpRow(D df, const Setup& setup, const float* sec, int secWidth, int column, int first, int last, float* smooth,
             float* warped) {
  const auto zero = hn::Zero(df), far = hn::Set(df, kFarPx);
  const int lanes = static_cast<int>(hn::Lanes(df));
  HWY_ALIGN float wholes[hn::MaxLanes(df)];
  for (int u = first; u < last; u += lanes) {
    const auto d = hn::LoadU(df, smooth + u), whole = hn::Floor(d);
    const auto x = hn::Add(hn::Iota(df, static_cast<float>(column + u)), whole);
    const auto inside = hn::And(hn::Ge(x, hn::Set(df, static_cast<float>(kTapsBefore))),
                                hn::Lt(x, hn::Set(df, static_cast<float>(secWidth - kTapsAfter))));
    auto left = inside;
    decltype(hn::Zero(df)) taps[kTaps] = {zero, zero, zero, zero, zero, zero, zero, zero};
    hn::Store(whole, df, wholes);
    while (!hn::AllFalse(df, left)) {
      const float now = wholes[hn::FindFirstTrue(df, left)];
      const auto here = hn::And(left, hn::Eq(whole, hn::Set(df, now)));
      const float* from = sec + column + u + static_cast<int>(now) - kTapsBefore;
      for (int i = 0; i < kTaps; ++i) taps[i] = hn::IfThenElse(here, hn::LoadU(df, from + i), taps[i]);
      left = hn::AndNot(here, left);
    }
    const auto s = hn::Sub(hn::Sub(d, whole), hn::Set(df, 0.5f)), z = hn::Mul(s, s);
    auto even = zero, odd = zero;
    for (int i = 0; i < kTapPairs; ++i) {
      const auto at = [&](const float (&c)[3]) HWY_ATTR {
        return hn::Add(hn::Set(df, c[0]), hn::Mul(z, hn::Add(hn::Set(df, c[1]), hn::Mul(z, hn::Set(df, c[2])))));
      };
      even = hn::Add(even, hn::Mul(at(setup.fractions.even[i]), hn::Add(taps[i], taps[kTaps - 1 - i])));
      odd = hn::Add(odd, hn::Mul(at(setup.fractions.odd[i]), hn::Sub(taps[i], taps[kTaps - 1 - i])));
    }
    const auto value = hn::Add(even, hn::Mul(s, odd));
    const auto usable = hn::And(inside, hn::Eq(value, value));  // not NaN
    hn::StoreU(hn::IfThenElse(usable, d, far), df, smooth + u);
    hn::StoreU(hn::IfThenElse(usable, value, zero), df, warped + u);
  }
}

// R, g and where both exist, of one row. padded: room for the row with kDerivativeRadius more on both sides.
void readReferenceRow(const RefineInput& in, float base, int v, const float* start, float* padded, float* grey, float* gradient,
                      float* disparity) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const int width = in.ref.width;
  const float* from = in.ref.row(v);
  const uint8_t* valid = in.refValid.row(v);
  float* row = padded + kDerivativeRadius;
  for (int u = 0; u < width; ++u) row[u] = valid[u] != 0 ? from[u] : missing;
  for (int i = 1; i <= kDerivativeRadius; ++i) row[-i] = row[0], row[width - 1 + i] = row[width - 1];
  const auto read = [&](auto df, int u) HWY_ATTR {
    auto g = hn::Zero(df);
    for (int i = 1; i <= kDerivativeRadius; ++i) {
      const auto difference = hn::Sub(hn::LoadU(df, row + u + i), hn::LoadU(df, row + u - i));
      g = hn::Add(g, hn::Mul(hn::Set(df, kDerivative[i - 1]), difference));
    }
    const auto d = hn::LoadU(df, start + u), value = hn::LoadU(df, row + u);
    const auto exists = hn::And(hn::Eq(g, g), hn::And(hn::Eq(value, value), hn::Eq(d, d)));
    hn::StoreU(hn::IfThenElseZero(exists, g), df, gradient + u);
    hn::StoreU(hn::IfThenElseZero(exists, hn::Sub(value, hn::Set(df, base))), df, grey + u);
    hn::StoreU(hn::IfThenElse(exists, d, hn::Set(df, kFarPx)), df, disparity + u);
  };
  const hn::ScalableTag<float> df;
  int u = 0;
  for (; u + static_cast<int>(hn::Lanes(df)) <= width; u += static_cast<int>(hn::Lanes(df))) read(df, u);
  for (; u < width; ++u) read(hn::CappedTag<float, 1>(), u);
}

void readSecondaryRow(const RefineInput& in, float base, int v, int margin, float* to) {
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const float* from = in.sec.row(v);
  const uint8_t* valid = in.secValid.row(v);
  std::fill_n(to - margin, margin, missing);
  for (int x = 0; x < in.sec.width; ++x) to[x] = valid[x] != 0 ? from[x] - base : missing;
  std::fill_n(to + in.sec.width, margin, missing);
}

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
struct Rings {
  // Rows between the first and the last that a step reads.
  static constexpr int kOne = 1, kThree = 2 * kNear + 1, kSeven = 2 * kFar + 1, kAll = 2 * kRadius + 1;
  explicit Rings(Arena& arena)
      : warped(arena), slopeX(arena), given(arena), smooth(arena), slopeY(arena), planeNear(arena), planeRow(arena), planeSums(arena),
        greyNear(arena), greyRow(arena), greySums(arena) {}
  static size_t bytes() {
    return 3 * Ring<kOne>::bytes() + 2 * Ring<kAll>::bytes() + Near<kPlaneRowMoments>::bytes() + Ring<kThree, kPlaneRowMoments>::bytes() +
           Ring<kSeven, kPlaneMoments>::bytes() + Near<kGreyMoments>::bytes() + Ring<kThree, kGreyMoments>::bytes() +
           Ring<kSeven, kGreyMoments>::bytes();
  }
  Ring<kOne> warped, slopeX, given;
  Ring<kAll> smooth, slopeY;
  Near<kPlaneRowMoments> planeNear;
  Ring<kThree, kPlaneRowMoments> planeRow;
  Ring<kSeven, kPlaneMoments> planeSums;
  Near<kGreyMoments> greyNear;
  Ring<kThree, kGreyMoments> greyRow;
  Ring<kSeven, kGreyMoments> greySums;
};

// One iteration: planes.disparity -> planes.next. start: the disparities given.
void iterate(const RefineInput& in, const Setup& setup, ImageView<const float> start, const Planes& planes, const Rings& rings) {
  const hn::ScalableTag<float> df;
  const int width = in.ref.width, blockHeight = in.ref.height, secWidth = in.sec.width, lanes = static_cast<int>(hn::Lanes(df));
  const auto& [warped, slopeX, given, smooth, slopeY, planeNear, planeRow, planeSums, greyNear, greyRow, greySums] = rings;
  const int strip = stripOf(width);
  for (int firstColumn = 0; firstColumn < width; firstColumn += strip) {
    const int columns = std::min(strip, width - firstColumn);
    // Columns from here on are counted from the strip's first.
    const auto rowOf = [&](const Plane& plane, int v) { return plane.row(v) + firstColumn; };
    const auto around = [&](auto at, int v, int hop) { return std::array{at(v - kHops[hop]), at(v), at(v + kHops[hop])}; };
    const auto d = [&](int v) -> const float* { return rowOf(planes.disparity, v); };
    const auto smoothRow = [&](int v) -> const float* { return smooth.row(v); };
    for (int t = -kRadius; t < blockHeight + 2 * kRadius; ++t) {
      if (t < blockHeight + kRadius) {
        sumPlaneRow(df, setup, d(t), -kLead, columns + kRadius, planeNear.sums(),
                    planeRow.sums(t));
        if (t - kNear > -kRadius) {
          const auto from = [&](int v) { return planeRow.sums(v); };
          sumPlaneRows(df, setup, around(d, t - kNear, 0), around(from, t - kNear, 0), -kLead, columns + kRadius,
                       planeSums.sums(t - kNear));
        }
      }
      const int y = t - kRadius;
      if (y < -kRadius) continue;
      if (y < 0 || y >= blockHeight) {
        std::fill_n(smooth.row(y) - kLead, kLead + columns + kRadius + lanes, kFarPx);
      } else {
        const auto from = [&](int v) { return planeSums.sums(v); };
        fitPlanes(df, setup, around(d, y, 1), around(from, y, 1), -kLead, columns + kRadius, smooth.row(y), slopeX.row(y),
                  slopeY.row(y));
        warpRow(df, setup, planes.secondaryRow(y), secWidth, firstColumn + in.secOffset, -kLead, columns + kRadius,
                smooth.row(y), warped.row(y));
        sumGreyRow(df, setup, smooth.row(y), slopeX.row(y), warped.row(y), rowOf(planes.grey, y), rowOf(planes.gradient, y), 0,
                   columns, greyNear.sums(), greyRow.sums(y));
      }
      if (y - kNear >= 0 && y - kNear < blockHeight) {
        const auto from = [&](int v) { return greyRow.sums(v); };
        sumGreyRows(df, setup, around(smoothRow, y - kNear, 0), slopeY.row(y - kNear), around(from, y - kNear, 0), 0, columns,
                    greySums.sums(y - kNear));
      }
      const int v = y - kRadius;
      if (v < 0) continue;
      const auto from = [&](int row) { return greySums.sums(row); };
      std::copy_n(start.row(v) + firstColumn, columns, given.row(v));
      stepRow(df, setup, around(smoothRow, v, 1), slopeY.row(v), around(from, v, 1), d(v), given.row(v), 0, columns,
              rowOf(planes.next, v));
    }
  }
}

size_t refineBytesSimd(int width, int height, int secWidth) {
  return Planes::bytes(width, height, secWidth) + Rings::bytes() + Arena::bytesOf<float>(width + 2 * kDerivativeRadius, 1);
}

void refineDisparitySimd(const RefineInput& in, const RefineOptions& options, ImageView<float> disparity, BigBuffer& memory) {
  const int width = in.ref.width, height = in.ref.height;
  Setup setup{options, {}, fractionWeights(), greyBase(in.ref, in.refValid), greyBase(in.sec, in.secValid)};
  for (const int hop : {0, 1}) setup.tightness[hop] = kNearness[hop] / (options.similarityPx * options.similarityPx);
  Arena arena(memory, refineBytesSimd(width, height, in.sec.width));
  Planes planes(arena, width, height, in.sec.width);
  const Rings rings(arena);
  const ImageView<float> padded = arena.image<float>(width + 2 * kDerivativeRadius, 1);
  for (int v = 0; v < height; ++v) {
    readReferenceRow(in, setup.refBase, v, disparity.row(v), padded.row(0), planes.grey.row(v), planes.gradient.row(v),
                     planes.disparity.row(v));
    readSecondaryRow(in, setup.secBase, v, Planes::secMargin(), planes.secondaryRow(v));
  }
  for (int round = 0; round < options.iterations; ++round) {
    iterate(in, setup, disparity, planes, rings);
    std::swap(planes.disparity, planes.next);
  }
  for (int v = 0; v < height; ++v) {
    const float* result = planes.disparity.row(v);
    float* to = disparity.row(v);
    for (int u = 0; u < width; ++u) to[u] = result[u] == kFarPx ? to[u] : result[u];
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
