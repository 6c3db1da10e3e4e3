// SPDX-License-Identifier: Apache-2.0
// Where rectify samples: what the fast code and its twin must agree on to the bit.
#ifndef ALTIPLANO_KERNELS_RECTIFY_LINES_H_
#define ALTIPLANO_KERNELS_RECTIFY_LINES_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "rectify.h"

namespace altiplano {

// Coefficients in x of one rectified row, and their value: what "evaluated per row" means for every target.
struct RowPolynomial {
  double a[4];
  RowPolynomial(const double c[10], double y)
      : a{c[0] + y * (c[2] + y * (c[5] + y * c[9])), c[1] + y * (c[4] + y * c[8]), c[3] + y * c[7], c[6]} {}
  double at(double x) const { return a[0] + x * (a[1] + x * (a[2] + x * a[3])); }
};

// The variables of the polynomials, by multiplication: a division per pixel would cost as much as the interpolation.
inline double xOf(const ImageFromRect& map, int u) { return (u - map.uOff) * (1 / map.uScale); }
inline double yOf(const ImageFromRect& map, int v) { return (v - map.vOff) * (1 / map.vScale); }

struct ImagePosition {
  double col, row;
};

// Image positions along one rectified row.
struct RectRow {
  RowPolynomial colOf, rowOf;
  RectRow(const ImageFromRect& map, int v) : colOf(map.col, yOf(map, v)), rowOf(map.row, yOf(map, v)) {}
  ImagePosition at(double x) const { return {colOf.at(x), rowOf.at(x)}; }
};

inline ImagePosition imagePosition(const ImageFromRect& map, int u, int v) { return RectRow(map, v).at(xOf(map, u)); }

// The rectified frame is cut into blocks that begin at multiples of kBlock, so that a pixel has the same block, and with
// it the same line, whatever rectangle it is part of.
inline constexpr int kBlock = 128;
inline int blockStart(int u) { return (u >= 0 ? u : u - kBlock + 1) / kBlock * kBlock; }

// Columns a line may move by per row (17 degrees). Leaning lines see the image sheared: a wave (kx, ky) has the frequency
// ky + lean kx along them, and is damped where that is above 0.65 Nyquist.
inline constexpr double kMaxLean = 0.3;
// And image rows a block may cover along them: at most two per pixel.
inline constexpr int kMaxRows = 2 * kBlock;

// One line of a block, of constant v or u, as a function of the image row: the parabola through its ends and middle,
// which leaves out less than 2e-5 px where a block is bent by 0.05 px.
struct BlockLine {
  double row0, rowHalf, col0, slope, bend;
  double lowRow, highRow, lowCol, highCol;  // of the three points

  BlockLine(ImagePosition a, ImagePosition b, ImagePosition c)
      : row0(a.row),
        rowHalf(b.row - a.row),
        col0(a.col),
        slope((b.col - a.col) / (b.row - a.row)),
        bend(((c.col - b.col) / (c.row - b.row) - slope) / (c.row - a.row)),
        lowRow(std::min({a.row, b.row, c.row})),
        highRow(std::max({a.row, b.row, c.row})),
        lowCol(std::min({a.col, b.col, c.col})),
        highCol(std::max({a.col, b.col, c.col})) {}

  double colAt(double row) const {
    const double d = row - row0;
    return col0 + d * (slope + (d - rowHalf) * bend);
  }
  bool isUsable() const {
    return std::fabs(slope) <= kMaxLean && std::fabs(bend) * kBlock <= 0.1 * kMaxLean && highRow - lowRow <= kMaxRows;
  }
};

// How the lines of the block at (u, v) run: those of constant v or those of constant u lie along the image's columns,
// or, where they lean too much, each pixel's rows are taken at its own column.
enum class LineKind { kConstantV, kConstantU, kNone };

// The lines of one block; `kind` is not kNone.
class BlockLines {
 public:
  BlockLines(const ImageFromRect& map, LineKind kind, int blockU, int blockV)
      : map_(map),
        kind_(kind),
        blockU_(blockU),
        blockV_(blockV),
        first_(map, blockV),
        middle_(map, blockV + kBlock / 2),
        last_(map, blockV + kBlock),
        x_{xOf(map, blockU), xOf(map, blockU + kBlock / 2), xOf(map, blockU + kBlock)} {}

  // The line of constant v = blockV + index, or u = blockU + index.
  BlockLine line(int index) const {
    if (kind_ == LineKind::kConstantV) {
      const RectRow row(map_, blockV_ + index);
      return BlockLine(row.at(x_[0]), row.at(x_[1]), row.at(x_[2]));
    }
    const double x = xOf(map_, blockU_ + index);
    return BlockLine(first_.at(x), middle_.at(x), last_.at(x));
  }

 private:
  const ImageFromRect& map_;
  LineKind kind_;
  int blockU_, blockV_;
  RectRow first_, middle_, last_;  // the block's first row, middle and end
  double x_[3];                    // its first column, middle and end
};

inline LineKind lineKind(const ImageFromRect& map, int blockU, int blockV) {
  const ImagePosition origin = imagePosition(map, blockU, blockV);
  const bool isTurned = std::fabs(imagePosition(map, blockU + kBlock, blockV).row - origin.row) >
                        std::fabs(imagePosition(map, blockU, blockV + kBlock).row - origin.row);
  const LineKind kind = isTurned ? LineKind::kConstantV : LineKind::kConstantU;
  const BlockLines lines(map, kind, blockU, blockV);
  for (const int index : {0, kBlock / 2, kBlock}) {
    if (!lines.line(index).isUsable()) return LineKind::kNone;
  }
  return kind;
}

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_RECTIFY_LINES_H_
