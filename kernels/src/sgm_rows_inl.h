// SPDX-License-Identifier: Apache-2.0
// Part of sgm.cc, once per target: what a sweep reads of the pixels of a row.
#if defined(ALTIPLANO_KERNELS_SGM_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_SGM_ROWS_INL_H_
#undef ALTIPLANO_KERNELS_SGM_ROWS_INL_H_
#else
#define ALTIPLANO_KERNELS_SGM_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "sgm.h"
#include "sgm_paths.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// P2 of pixels beside the row, which is 0.
constexpr int kBesideRow = 1;

// P2 between the pixels of row v and those `du` columns on in row qv, 0 where either is not part of a path.
inline void penaltiesOfRow(ImageView<const float> image, const SgmOptions& options, int v, const RowExtent& here, int qv, int du,
                    const RowExtent& there, uint8_t* p2) {
  const int first = std::max(here.first, there.first - du), last = std::min(here.last, there.last - du);
  std::memset(p2 - kBesideRow, 0, static_cast<size_t>(image.width + 2 * kBesideRow));
  if (first > last) return;
  const float *row = image.row(v), *other = image.row(qv) + du;
  int u = first;
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto whole = hn::Set(di, options.p2), least = hn::Set(di, std::max(options.p2Min, options.p1 + 1));
  const auto zero = hn::Zero(df), one = hn::Set(df, 1.0f), start = hn::Set(df, options.p2Start);
  const auto alike = hn::Set(df, 0.999f * options.p2Start);
  const auto gradient = hn::Set(df, options.p2Gradient), p2f = hn::Set(df, static_cast<float>(options.p2));
  if (options.p2Gradient > 0) {
    // adaptedP2, lane by lane.
    for (; u + lanes - 1 <= last; u += lanes) {
      const auto a = hn::LoadU(df, row + u), b = hn::LoadU(df, other + u);
      const auto sum = hn::Add(hn::Abs(a), hn::Abs(b)), difference = hn::Abs(hn::Sub(a, b));
      // Most pairs are so much alike that no rounding can make their quotient exceed the start: no need to divide.
      if (hn::AllTrue(df, hn::Lt(difference, hn::Mul(sum, alike)))) {
        hn::StoreU(hn::DemoteTo(d8, whole), d8, p2 + u);
        continue;
      }
      const auto excess = hn::Sub(hn::Div(difference, sum), start);
      const auto lowers = hn::And(hn::Gt(sum, zero), hn::Gt(excess, zero));
      const auto divisor = hn::Add(one, hn::Mul(gradient, hn::IfThenElseZero(lowers, excess)));
      const auto lowered = hn::Max(hn::ConvertTo(di, hn::Div(p2f, divisor)), least);
      hn::StoreU(hn::DemoteTo(d8, hn::IfThenElse(hn::RebindMask(di, lowers), hn::Min(whole, lowered), whole)), d8, p2 + u);
    }
  }
  for (; u <= last; ++u) p2[u] = static_cast<uint8_t>(adaptedP2(options, row[u], other[u]));
}

// P2 of all pixels along the first sweep's paths. The second sweep's paths join the same pairs of pixels.
class Penalties {
 public:
  static size_t bytesOf(int width, int height) {
    return kPaths * static_cast<size_t>(height) * static_cast<size_t>(width + 2 * kBesideRow);
  }
  Penalties(uint8_t* memory, int width) : rows_(memory), pitch_(width + 2 * kBesideRow) {}
  uint8_t* row(int v, int path) const { return rows_ + (static_cast<ptrdiff_t>(v) * kPaths + path) * pitch_ + kBesideRow; }

 private:
  uint8_t* rows_;
  ptrdiff_t pitch_;
};

// One row of the secondary: the bytes of its codes in planes, and in the last plane 0 or kMissingCost; `stride` missing
// columns on both sides, so that any clamped start can be read.
class SecondaryRow {
 public:
  SecondaryRow(int width, int stride) : width_(width), stride_(stride), planes_(width + 2 * stride, kCensusBytes + 1) {
    std::memset(planes_.view().row(kCensusBytes), kMissingCost, static_cast<size_t>(width + 2 * stride));
  }
  void load(const SgmInput& in, int v) {
    for (int b = 0; b < kCensusBytes; ++b) {
      std::memcpy(planes_.view().row(b) + stride_, in.secCensus.row(kCensusBytes * v + b), static_cast<size_t>(width_));
    }
    const uint16_t* HWY_RESTRICT const validity = in.secValidity.row(v);
    uint8_t* HWY_RESTRICT const missing = planes_.view().row(kCensusBytes) + stride_;
    const int width = width_;  // a member might change with every byte written, as far as compilers know
    for (int x = 0; x < width; ++x) missing[x] = validity[x] != 0 ? kMissingCost : 0;
  }
  // Where a pixel's candidate 0 is, if that is secondary column `column`.
  int32_t at(int column) const { return std::clamp(column, -stride_, width_) + stride_; }
  const uint8_t* planes() const { return planes_.view().row(0); }
  ptrdiff_t pitch() const { return planes_.view().stride; }

 private:
  int width_, stride_;
  Image<uint8_t> planes_;
};

// What a sweep needs of each pixel of a row, 4 bytes each so that one index serves all.
struct PixelRows {
  const uint8_t* codes;  // bytes 0 to 3
  const uint8_t* more;   // byte 4; 0xFF where usable; 1 where `low` or the count differs from a predecessor's
  const uint8_t* p2;     // of the paths along, from above left, above, above right
  const int32_t* at;     // in the planes of the secondary
};
static_assert(kCensusBytes == 5);
enum { kLastCode, kUsable, kMoved };

// Collects what a sweep needs of the pixels of one row.
class RowCollector {
 public:
  RowCollector(int width, int secWidth, int stride, const Penalties& penalties)
      : secondary_(secWidth, stride), penalties_(penalties), rows_(width, 3), none_(width + 2 * kBesideRow, 1),
        packed_(4 * width, 3), at_(width, 1) {}
  const SecondaryRow& secondary() const { return secondary_; }

  // The row before in the sweep's direction dv has extent `before`. Downwards first: P2 is computed there.
  PixelRows collect(const SgmInput& in, const SgmOptions& options, int v, int dv, const RowExtent& extent, const RowExtent& before) {
    secondary_.load(in, v);
    uint8_t *const usable = rows_.view().row(0), *const moved = rows_.view().row(1), *const zeros = rows_.view().row(2);
    const bool second = before.first <= before.last, otherCount = second && in.countOf(v) != in.countOf(v - dv);
    const uint8_t* p2[kPaths];
    for (int r = 0; r < kPaths; ++r) {
      if (dv > 0) {
        penaltiesOfRow(in.refImage, options, v, extent, r == 0 ? v : v - 1, kSteps[r], r == 0 ? extent : before, penalties_.row(v, r));
        p2[r] = penalties_.row(v, r);
      } else {
        const uint8_t* const below = second ? penalties_.row(v + 1, r) : none_.view().row(0) + kBesideRow;
        p2[r] = (r == 0 ? penalties_.row(v, r) : below) - kSteps[r];
      }
    }
    const uint16_t* HWY_RESTRICT const validity = in.refValidity.row(v);
    const int16_t* HWY_RESTRICT const low = in.low.row(v);
    const int16_t* HWY_RESTRICT const above = second ? in.low.row(v - dv) : low;
    int32_t* HWY_RESTRICT const at = at_.view().row(0);
    const int first = extent.first, last = extent.last;
    for (int u = first; u <= last; ++u) usable[u] = validity[u] == 0 ? 0xFF : 0;
    // At the ends of the extent too much may be called moved: that costs time only.
    moved[first] = moved[last] = 1;
    for (int u = first + 1; u < last; ++u) {
      const int differ = (low[u] ^ low[u - dv]) | (low[u] ^ above[u - 1]) | (low[u] ^ above[u]) | (low[u] ^ above[u + 1]);
      moved[u] = differ != 0 || otherCount;
    }
    for (int u = first; u <= last; ++u) at[u] = secondary_.at(u + low[u] + in.secOffset);
    const auto codes = [&](int b) { return in.refCensus.row(kCensusBytes * v + b); };
    pack(codes(0), codes(1), codes(2), codes(3), extent, packed_.view().row(0));
    pack(codes(4), usable, moved, zeros, extent, packed_.view().row(1));
    pack(p2[0], p2[1], p2[2], p2[3], extent, packed_.view().row(2));
    return {packed_.view().row(0), packed_.view().row(1), packed_.view().row(2), at};
  }

 private:
  static void pack(const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d, const RowExtent& extent, uint8_t* to) {
    int u = extent.first;
#if HWY_TARGET != HWY_SCALAR
    const hn::ScalableTag<uint8_t> d8;
    const int lanes = static_cast<int>(hn::Lanes(d8));
    for (; u + lanes - 1 <= extent.last; u += lanes) {
      hn::StoreInterleaved4(hn::LoadU(d8, a + u), hn::LoadU(d8, b + u), hn::LoadU(d8, c + u), hn::LoadU(d8, d + u), d8, to + 4 * u);
    }
#endif
    for (; u <= extent.last; ++u) to[4 * u] = a[u], to[4 * u + 1] = b[u], to[4 * u + 2] = c[u], to[4 * u + 3] = d[u];
  }

  SecondaryRow secondary_;
  Penalties penalties_;
  Image<uint8_t> rows_, none_, packed_;  // usable, moved, zeros; P2 of no pixel; PixelRows
  Image<int32_t> at_;
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
