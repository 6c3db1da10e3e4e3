// SPDX-License-Identifier: Apache-2.0
#include "census.h"

#include <algorithm>
#include <limits>
#include <vector>

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
constexpr int kColumns = 2 * kCensusRadiusU + 1;

// Codes of one row. rows[j] points at column -kCensusRadiusU of window row j; every row may be read one
// vector past its end, and so may the rows of `out` be written.
void codesOfRow(const float* const rows[kRows], int width, ImageView<uint8_t> out) {
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const int lanes = static_cast<int>(hn::Lanes(df));
  for (int u = 0; u < width; u += lanes) {
    const auto centre = hn::LoadU(df, rows[kCensusRadiusV] + u + kCensusRadiusU);
    auto code = hn::Zero(du), bit = hn::Set(du, 1);
    int bits = 0, byte = 0;
    const auto add = [&](int j, int i) HWY_ATTR {
      const auto darker = hn::Lt(hn::LoadU(df, rows[j] + u + i), centre);
      code = hn::Or(code, hn::IfThenElseZero(hn::RebindMask(du, darker), bit));
      bit = hn::Add(bit, bit);
      if (++bits % 32 != 0 && bits != kCensusBits) return;
      // A word is full.
      for (; byte < (bits + 7) / 8; ++byte) {
        hn::StoreU(hn::TruncateTo(d8, code), d8, out.row(byte) + u);
        code = hn::ShiftRight<8>(code);
      }
      code = hn::Zero(du);
      bit = hn::Set(du, 1);
    };
    for (int j = 0; j < kRows; ++j) {
      for (int i = 0; i < kColumns; ++i) {
        if (j != kCensusRadiusV || i != kCensusRadiusU) add(j, i);
      }
    }
  }
}

void censusTransformSimd(ImageView<const float> in, ImageView<const uint8_t> valid, ImageView<uint8_t> out,
                         ImageView<uint16_t> validity) {
  const int width = in.width, height = in.height;
  const int lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<float>()));
  const int padded = width + 2 * kCensusRadiusU + lanes;
  // A ring of the window's rows, their edge pixels repeated on both sides.
  Image<float> ring(padded, kRows);
  Image<uint8_t> codes(width + lanes, kCensusBytes);
  std::vector<int> missing(static_cast<size_t>(width) + 2 * kCensusRadiusU);
  const auto clampRow = [height](int y) { return std::clamp(y, 0, height - 1); };
  const auto load = [&](int y) {
    float* to = ring.view().row((y + kRows) % kRows);
    const float* from = in.row(clampRow(y));
    const uint8_t* has = valid.row(clampRow(y));
    // What has no data is never darker than anything.
    for (int u = 0; u < width; ++u) to[kCensusRadiusU + u] = has[u] != 0 ? from[u] : std::numeric_limits<float>::infinity();
    std::fill_n(to, kCensusRadiusU, to[kCensusRadiusU]);
    std::fill_n(to + kCensusRadiusU + width, kCensusRadiusU + lanes, to[kCensusRadiusU + width - 1]);
  };
  for (int y = -kCensusRadiusV; y < kCensusRadiusV; ++y) load(y);
  for (int v = 0; v < height; ++v) {
    load(v + kCensusRadiusV);
    const float* rows[kRows];
    for (int j = 0; j < kRows; ++j) rows[j] = ring.view().row((v + j - kCensusRadiusV + kRows) % kRows);
    codesOfRow(rows, width, codes.view());

    // Missing pixels of the window: by columns, then a running sum along the row.
    for (int i = 0; i < width + 2 * kCensusRadiusU; ++i) {
      const int x = std::clamp(i - kCensusRadiusU, 0, width - 1);
      int count = 0;
      for (int dv = -kCensusRadiusV; dv <= kCensusRadiusV; ++dv) count += valid.at(x, clampRow(v + dv)) == 0;
      missing[static_cast<size_t>(i)] = count;
    }
    int sum = 0;
    for (int i = 0; i < kColumns - 1; ++i) sum += missing[static_cast<size_t>(i)];
    for (int u = 0; u < width; ++u) {
      sum += missing[static_cast<size_t>(u + kColumns - 1)];
      const bool usable = valid.at(u, v) != 0 && sum <= kCensusMaxMissing;
      for (int b = 0; b < kCensusBytes; ++b) out.at(u, kCensusBytes * v + b) = usable ? codes.view().at(u, b) : uint8_t{0};
      validity.at(u, v) = usable ? kValid : valid.at(u, v) == 0 ? kNoDataReference : kBorder;
      sum -= missing[static_cast<size_t>(u)];
    }
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
