// SPDX-License-Identifier: Apache-2.0
//
// Neighbouring cells are handled as vectors, whose segments mostly have equally many pieces: one piece of each at a time. Only the blocks that
// a piece touches are widened one by one.
#include "prior_ranges.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "prior_ranges.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "row_poly3_inl.h"

#ifndef ALTIPLANO_PRIOR_RANGES_ONCE
#define ALTIPLANO_PRIOR_RANGES_ONCE
namespace altiplano {

// No vector of doubles is longer.
inline constexpr int kMostCells = 8;

// A piece of each cell of a vector: the blocks it touches, first and last, and its range.
struct Pieces {
  alignas(32) int32_t x[2][kMostCells], y[2][kMostCells];
  alignas(32) float low[kMostCells], high[kMostCells];
};

inline void includePiece(const Pieces& pieces, int cell, RangeBlocks& blocks) {
  const int x0 = pieces.x[0][cell], x1 = pieces.x[1][cell];
  const DisparityRange range{pieces.low[cell], pieces.high[cell]};
  for (int y = pieces.y[0][cell]; y <= pieces.y[1][cell]; ++y) {
    for (int x = x0; x <= x1; ++x) blocks.at(x, y).include(range);
  }
}

}  // namespace altiplano
#endif  // ALTIPLANO_PRIOR_RANGES_ONCE

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<double, kMostCells>;
using V = hn::Vec<D>;
constexpr D kD;

// The ground of a row of cells, as the blocks see it.
struct RectRow {
  RowPoly3 u, v, d;
  RectRow(const Poly3& p, double n) : u(row(p, 0, n)), v(row(p, 1, n)), d(row(p, 2, n)) {}
  static RowPoly3 row(const Poly3& p, int k, double n) {
    return RowPoly3(p.coefficients[k], p.outOff[k], (n - p.off[1]) / p.scale[1]);
  }
};

// Along one axis of the blocks, lane by lane what includeSegment does: a segment's pieces.
struct Along {
  V low, length, half;
  double side, count;
  Along(V from, V to, V pieces, double reach, int side, int count)
      : low(from), length(hn::Sub(to, from)), half(hn::Add(hn::Set(kD, reach), hn::Mul(hn::Div(hn::Abs(length), pieces), hn::Set(kD, 0.5)))),
        side(side), count(count) {}
  // First and last block of the piece whose middle is at this share of the segment; returns which lanes touch any.
  HWY_INLINE hn::Mask<D> blocks(V middle, int32_t (&first)[kMostCells], int32_t (&last)[kMostCells]) const {
    const hn::Rebind<int32_t, D> di;
    const V zero = hn::Zero(kD), most = hn::Set(kD, count - 1), perSide = hn::Set(kD, 1 / side);
    const V at = hn::Add(low, hn::Mul(length, middle)), from = hn::Sub(at, half), to = hn::Add(at, half);
    const auto block = [&](V position) HWY_ATTR {
      return hn::DemoteTo(di, hn::Min(hn::Max(hn::Mul(hn::Add(position, hn::Set(kD, 0.5)), perSide), zero), most));
    };
    hn::Store(block(from), di, first);
    hn::Store(block(to), di, last);
    return hn::And(hn::Ge(to, zero), hn::Lt(from, hn::Set(kD, side * count)));
  }
};

void includeRow(const Poly3& p, const RectRow& row, const HeightPrior& prior, int j, const BlocksPlace& place, RangeBlocks& blocks) {
  const int lanes = static_cast<int>(hn::Lanes(kD));
  const hn::Rebind<float, D> df;
  const double reach = cellReach(prior, place.pixelM);
  const V one = hn::Set(kD, 1.0), half = hn::Set(kD, 0.5), side = hn::Set(kD, static_cast<double>(blocks.side));
  const V offU = hn::Set(kD, static_cast<double>(place.u0)), offV = hn::Set(kD, static_cast<double>(place.v0));
  float lowM[kMostCells], highM[kMostCells];
  Pieces found;
  for (int i = 0; i < prior.low.width; i += lanes) {
    const int n = std::min(lanes, prior.low.width - i);
    std::fill_n(lowM, kMostCells, 0.0f), std::fill_n(highM, kMostCells, -1.0f);
    std::copy_n(prior.low.row(j) + i, n, lowM), std::copy_n(prior.high.row(j) + i, n, highM);
    const V lowest = hn::PromoteTo(kD, hn::LoadU(df, lowM)), highest = hn::PromoteTo(kD, hn::LoadU(df, highM));
    const V e = hn::Sub(hn::Add(hn::Set(kD, prior.originE), hn::Mul(hn::Add(hn::Iota(kD, i), half), hn::Set(kD, prior.resolution))),
                        hn::Set(kD, p.off[0]));
    const auto known = hn::And(hn::Le(lowest, highest), hn::Le(hn::Abs(e), hn::Set(kD, kPriorDomain * p.scale[0])));
    if (hn::AllFalse(kD, known)) continue;
    const auto z = [&](V height) HWY_ATTR { return hn::Div(hn::Sub(height, hn::Set(kD, p.off[2])), hn::Set(kD, p.scale[2])); };
    const V x = hn::Div(e, hn::Set(kD, p.scale[0])), z0 = z(lowest), z1 = z(highest);
    const V u0 = hn::Sub(valueAt(row.u, x, z0), offU), u1 = hn::Sub(valueAt(row.u, x, z1), offU);
    const V v0 = hn::Sub(valueAt(row.v, x, z0), offV), v1 = hn::Sub(valueAt(row.v, x, z1), offV);
    const V d0 = valueAt(row.d, x, z0), length = hn::Sub(valueAt(row.d, x, z1), d0);
    const V longest = hn::Div(hn::Max(hn::Abs(hn::Sub(u1, u0)), hn::Abs(hn::Sub(v1, v0))), side);
    const V pieces = hn::Max(one, hn::Ceil(longest));
    const auto sane = hn::And(known, hn::Le(longest, hn::Set(kD, kMostPieces)));
    const Along alongU(u0, u1, pieces, reach, blocks.side, blocks.width), alongV(v0, v1, pieces, reach, blocks.side, blocks.height);
    V from = hn::Zero(kD);
    for (V piece = one;; piece = hn::Add(piece, one)) {
      const auto some = hn::And(sane, hn::Le(piece, pieces));
      if (hn::AllFalse(kD, some)) break;
      const V to = hn::Div(piece, pieces), middle = hn::Mul(hn::Add(from, to), half);
      const V dFrom = hn::Add(d0, hn::Mul(length, from)), dTo = hn::Add(d0, hn::Mul(length, to));
      hn::Store(hn::DemoteTo(df, hn::Min(dFrom, dTo)), df, found.low);
      hn::Store(hn::DemoteTo(df, hn::Max(dFrom, dTo)), df, found.high);
      const auto inU = alongU.blocks(middle, found.x[0], found.x[1]), inV = alongV.blocks(middle, found.y[0], found.y[1]);
      uint8_t touching[8] = {};
      hn::StoreMaskBits(kD, hn::And(some, hn::And(inU, inV)), touching);
      for (uint32_t left = touching[0]; left != 0; left &= left - 1) includePiece(found, std::countr_zero(left), blocks);
      from = to;
    }
  }
}

void includeRows(const Poly3& p, const HeightPrior& prior, const BlocksPlace& place, RangeBlocks& blocks) {
  for (int j = 0; j < prior.low.height; ++j) {
    const double n = prior.originN - (j + 0.5) * prior.resolution;
    if (std::abs(n - p.off[1]) > kPriorDomain * p.scale[1]) continue;
    includeRow(p, RectRow(p, n), prior, j, place, blocks);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(includeRows);

void includePrior(const Poly3& rectFromGround, const HeightPrior& prior, const BlocksPlace& place, RangeBlocks& blocks) {
  HWY_DYNAMIC_DISPATCH(includeRows)(rectFromGround, prior, place, blocks);
}

}  // namespace altiplano
#endif  // HWY_ONCE
