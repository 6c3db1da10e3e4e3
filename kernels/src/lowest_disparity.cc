// SPDX-License-Identifier: Apache-2.0
#include "lowest_disparity.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowest_disparity.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ALTIPLANO_LOWEST_DISPARITY_ONCE
#define ALTIPLANO_LOWEST_DISPARITY_ONCE
namespace altiplano {

// What a row of blocks says of every column of pixels; padded to whole vectors.
struct BlockRow {
  std::vector<float> middle;            // of the wanted lows, interpolated between the blocks' centres along the row
  std::vector<float> lowest, highest;   // lows that hold the block's own range; lowest > highest: none does
  std::vector<float> own;               // the low then
  explicit BlockRow(size_t n) : middle(n), lowest(n), highest(n), own(n) {}
};

inline float middleLow(const DisparityRange& range, int count) { return (range.low + range.high - (count - 1)) / 2; }

// Where the columns of pixels lie between the blocks' centres.
struct ColumnPlaces {
  std::vector<float> share;  // of the way to the centre on the right
  std::vector<int> first;    // column right of the centre of block b - 1; those of b = 0 lie left of all centres
  ColumnPlaces(const RangeBlocks& blocks, int width) : share(static_cast<size_t>(width)), first(static_cast<size_t>(blocks.width) + 2, width) {
    for (int i = width - 1; i >= 0; --i) {
      const float x = (i + 0.5f) / blocks.side - 0.5f;
      const int x0 = static_cast<int>(std::floor(x));
      share[static_cast<size_t>(i)] = x - x0;
      first[static_cast<size_t>(x0 + 1)] = i;
    }
  }
};

// y: clamped to the blocks.
inline void middlesOf(const RangeBlocks& blocks, int y, int count, const ColumnPlaces& columns, std::vector<float>& out) {
  y = std::clamp(y, 0, blocks.height - 1);
  for (int b = 0; b <= blocks.width; ++b) {
    const float left = middleLow(blocks.at(std::max(b - 1, 0), y), count);
    const float right = middleLow(blocks.at(std::min(b, blocks.width - 1), y), count);
    for (int i = columns.first[static_cast<size_t>(b)]; i < columns.first[static_cast<size_t>(b) + 1]; ++i) {
      out[static_cast<size_t>(i)] = left + columns.share[static_cast<size_t>(i)] * (right - left);
    }
  }
}

inline void ownRangesOf(const RangeBlocks& blocks, int y, int count, int width, BlockRow& out) {
  for (int x = 0; x < blocks.width; ++x) {
    const DisparityRange& range = blocks.at(x, y);
    const int from = x * blocks.side, n = std::min(blocks.side, width - from);
    std::fill_n(out.lowest.begin() + from, n, std::ceil(range.high) - count + 1);
    std::fill_n(out.highest.begin() + from, n, std::floor(range.low));
    std::fill_n(out.own.begin() + from, n, std::floor(middleLow(range, count) + 0.5f));
  }
}

}  // namespace altiplano
#endif  // ALTIPLANO_LOWEST_DISPARITY_ONCE

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One row of pixels, fy of the way from the blocks' centres above (`at`) to those below.
void lowestOfRow(const BlockRow& at, const float* below, float fy, int count, int width, int16_t* out) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto weight = hn::Set(d, fy), half = hn::Set(d, 0.5f);
  const auto least = hn::Set(d, -32768.0f), most = hn::Set(d, 32767.0f - count);
  for (int i = 0; i < width; i += lanes) {
    const auto above = hn::LoadU(d, at.middle.data() + i);
    const auto value = hn::Floor(
        hn::Add(hn::Add(above, hn::Mul(weight, hn::Sub(hn::LoadU(d, below + i), above))), half));
    const auto lowest = hn::LoadU(d, at.lowest.data() + i), highest = hn::LoadU(d, at.highest.data() + i);
    const auto fits = hn::Min(hn::Max(value, lowest), highest);
    const auto low = hn::IfThenElse(hn::Le(lowest, highest), fits, hn::LoadU(d, at.own.data() + i));
    const auto whole = hn::DemoteTo(d16, hn::ConvertTo(di, hn::Min(hn::Max(low, least), most)));
    if (i + lanes <= width) {
      hn::StoreU(whole, d16, out + i);
    } else {
      int16_t rest[16];
      hn::StoreU(whole, d16, rest);
      std::copy_n(rest, width - i, out + i);
    }
  }
}

void lowest(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low) {
  const size_t padded = static_cast<size_t>(blocks.width) * blocks.side + 16;
  BlockRow at(padded);
  std::vector<float> below(padded);
  const ColumnPlaces columns(blocks, low.width);
  // Rows between two blocks' centres share what lies above and below them; rows of a block share its own range.
  int above = -2, own = -1, count = 0;
  for (int j = 0; j < low.height; ++j) {
    const float y = (j + 0.5f) / blocks.side - 0.5f;
    const int y0 = static_cast<int>(std::floor(y));
    const int countBefore = count;
    count = counts[static_cast<size_t>(j / blocks.side)];
    if (y0 != above || count != countBefore) {
      if (y0 != above + 1 || count != countBefore) {
        middlesOf(blocks, y0, count, columns, at.middle);
      } else {
        std::swap(at.middle, below);
      }
      middlesOf(blocks, y0 + 1, count, columns, below);
      above = y0;
    }
    if (j / blocks.side != own) ownRangesOf(blocks, own = j / blocks.side, count, low.width, at);
    lowestOfRow(at, below.data(), y - y0, count, low.width, low.row(j));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(lowest);

void lowestDisparities(const RangeBlocks& blocks, std::span<const int> counts, ImageView<int16_t> low) {
  HWY_DYNAMIC_DISPATCH(lowest)(blocks, counts, low);
}

}  // namespace altiplano
#endif  // HWY_ONCE
