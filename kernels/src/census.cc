// SPDX-License-Identifier: Apache-2.0
#include "census.h"

#include <algorithm>
#include <limits>

#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "census.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kRows = 2 * kCensusRadiusV + 1;
static_assert(kRows == 5);  // as columns are summed
constexpr int kColumns = 2 * kCensusRadiusU + 1;

// Neighbour n of the window, row-major without the centre.
constexpr int placeOf(int n) { return n < kCensusBits / 2 ? n : n + 1; }

// Bits kFirst to kLast - 1, at most 32, of the codes of one vector of pixels, into their planes. rows[j] points at
// the leftmost column of the first pixel's window row j; vectors may be read and written whole.
template <int kFirst, int kLast>
HWY_INLINE void bitsOfCodes(const float* const rows[kRows], const uint8_t* mask, ImageView<uint8_t> out, int u) {
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const auto centre = hn::LoadU(df, rows[kCensusRadiusV] + u + kCensusRadiusU);
  auto code = hn::Zero(du);
#pragma GCC unroll 32
  for (int n = kFirst; n < kLast; ++n) {
    const auto neighbour = hn::LoadU(df, rows[placeOf(n) / kColumns] + u + placeOf(n) % kColumns);
    const auto darker = hn::RebindMask(du, hn::Lt(neighbour, centre));
    code = hn::Or(code, hn::IfThenElseZero(darker, hn::Set(du, 1u << (n - kFirst))));
  }
  const auto usable = hn::LoadU(d8, mask + u);
  for (int byte = kFirst / 8; byte < (kLast + 7) / 8; ++byte) {
    hn::StoreU(hn::And(hn::TruncateTo(d8, code), usable), d8, out.row(byte) + u);
    code = hn::ShiftRight<8>(code);
  }
}

void censusTransformSimd(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                         ImageView<uint16_t> validity) {
  const int width = in.width, height = in.height;
  const int lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<float>()));
  const int padded = width + 2 * kCensusRadiusU + lanes;
  // Rings of the window's rows, their edge pixels repeated on both sides: values, and 1 where there is no data.
  Image<float> values(padded, kRows);
  Image<uint8_t> absent(padded, kRows);
  Image<uint8_t> sums(padded, 1), usable(width + lanes, 1);
  Image<uint8_t> codes(width + lanes, kCensusBytes);
  const auto load = [&](int y) HWY_ATTR {
    float* const to = values.view().row((y + kRows) % kRows);
    uint8_t* const missing = absent.view().row((y + kRows) % kRows);
    const float* const from = in.row(std::clamp(y, 0, height - 1));
    const uint8_t* const has = valid.row(std::clamp(y, 0, height - 1));
    // What has no data is never darker than anything.
    for (int u = 0; u < width; ++u) {
      to[kCensusRadiusU + u] = has[u] != 0 ? from[u] : std::numeric_limits<float>::infinity();
    }
    for (int u = 0; u < width; ++u) missing[kCensusRadiusU + u] = has[u] == 0;
    std::fill_n(to, kCensusRadiusU, to[kCensusRadiusU]);
    std::fill_n(to + kCensusRadiusU + width, kCensusRadiusU + lanes, to[kCensusRadiusU + width - 1]);
    std::fill_n(missing, kCensusRadiusU, missing[kCensusRadiusU]);
    std::fill_n(missing + kCensusRadiusU + width, kCensusRadiusU + lanes, missing[kCensusRadiusU + width - 1]);
  };
  for (int y = -kCensusRadiusV; y < kCensusRadiusV; ++y) load(y);
  for (int v = 0; v < height; ++v) {
    load(v + kCensusRadiusV);
    const float* rows[kRows];
    const uint8_t* lacks[kRows];
    for (int j = 0; j < kRows; ++j) {
      rows[j] = values.view().row((v + j - kCensusRadiusV + kRows) % kRows);
      lacks[j] = absent.view().row((v + j - kCensusRadiusV + kRows) % kRows);
    }
    // Missing pixels of the window: by columns, then along the row.
    uint8_t* HWY_RESTRICT const columns = sums.view().row(0);
    uint8_t* HWY_RESTRICT const mask = usable.view().row(0);
    for (int i = 0; i < padded; ++i) columns[i] = static_cast<uint8_t>(lacks[0][i] + lacks[1][i] + lacks[2][i] + lacks[3][i] + lacks[4][i]);
    const uint8_t* const has = valid.row(v);
    uint16_t* const why = validity.row(v);
    for (int u = 0; u < width; ++u) {
      uint8_t missing = 0;
      for (int i = 0; i < kColumns; ++i) missing = static_cast<uint8_t>(missing + columns[u + i]);
      mask[u] = has[u] != 0 && missing <= kCensusMaxMissing ? 0xFF : 0;
    }
    for (int u = 0; u < width; ++u) why[u] = mask[u] != 0 ? kValid : has[u] == 0 ? kNoDataReference : kBorder;
    for (int u = 0; u < width; u += lanes) {
      bitsOfCodes<0, 32>(rows, mask, codes.view(), u);
      bitsOfCodes<32, kCensusBits>(rows, mask, codes.view(), u);
    }
    for (int b = 0; b < kCensusBytes; ++b) std::copy_n(codes.view().row(b), width, out.row(kCensusBytes * v + b));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(censusTransformSimd);

void censusTransform(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                     ImageView<uint16_t> validity) {
  HWY_DYNAMIC_DISPATCH(censusTransformSimd)(in, valid, out, validity);
}
}  // namespace altiplano
#endif
