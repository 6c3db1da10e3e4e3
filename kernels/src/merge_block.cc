// SPDX-License-Identifier: Apache-2.0
#include "merge_block.h"

#include <algorithm>
#include <cmath>

#include "merge_cells.h"

namespace altiplano {
namespace {

inline float spreadOf(float spread) { return spread > 0.0F ? spread : 0.0F; }

struct Columns {
  int from, to;
};

// Where the columns begin in which a tile has a feather, and those in which it has none.
void addBounds(const BlendTile& tile, int width, std::vector<int>& bounds) {
  for (int col = 1; col < width; ++col) {
    if ((tile.featherCol[col] > 0) != (tile.featherCol[col - 1] > 0)) bounds.push_back(col);
  }
}

void clearCells(const MergedOutputs& out, Columns columns, int row, uint16_t emptyReason) {
  const int cells = columns.to - columns.from;
  std::fill_n(out.height.row(row) + columns.from, cells, kNoHeight);
  for (const auto& layer : {out.confidence, out.count, out.spread}) std::fill_n(layer.row(row) + columns.from, cells, uint16_t{0});
  std::fill_n(out.reason.row(row) + columns.from, cells, emptyReason);
}

PartialRow cellsOf(const BlendTile& tile, int col, int row) {
  const int x = col - tile.col0, y = row - tile.row0;
  return {tile.cells.height.row(y) + x, tile.cells.weight.row(y) + x, tile.cells.spread.row(y) + x, tile.cells.count.row(y) + x};
}

MergedRow cellsOf(const MergedOutputs& out, int col, int row) {
  return {out.height.row(row) + col, out.confidence.row(row) + col, out.count.row(row) + col, out.spread.row(row) + col, out.reason.row(row) + col};
}

// One tile's cell where several have a feather.
struct Share {
  double feather, height, weight, spread;
  float count;
  bool isOwner;
};

void blendCell(const Share* shares, int n, const BlendOptions& options, int col, int row, const MergedOutputs& out) {
  const Share* lead = nullptr;
  for (int i = 0; i < n; ++i) {
    if (lead == nullptr || shares[i].isOwner || (!lead->isOwner && shares[i].feather > lead->feather)) lead = shares + i;
  }
  if (lead == nullptr) return;
  double sumFeather = 0, sumWeight = 0, sumOffset = 0, sumSquare = 0;
  for (int i = 0; i < n; ++i) {
    const double offset = shares[i].height - lead->height;
    if (std::fabs(offset) > options.toleranceM) continue;
    const double weight = shares[i].feather * shares[i].weight;
    sumFeather += shares[i].feather;
    sumWeight += weight;
    sumOffset += weight * offset;
    sumSquare += weight * (shares[i].spread * shares[i].spread + offset * offset);
  }
  const double mean = sumOffset / sumWeight;
  out.height.at(col, row) = static_cast<float>(lead->height + mean);
  out.spread.at(col, row) = spreadSteps(static_cast<float>(std::sqrt(std::max(0.0, sumSquare / sumWeight - mean * mean))));
  out.confidence.at(col, row) = confidenceSteps(static_cast<float>(std::min(1.0, sumWeight / sumFeather / options.fullWeight)));
  out.count.at(col, row) = countSteps(lead->count);
  out.reason.at(col, row) = kHasHeight;
}

}  // namespace

void fusePairs(const std::vector<CellViews>& pairs, const CellOutputs& fused) {
  for (int y = 0; y < fused.height.height; ++y) {
    for (int x = 0; x < fused.height.width; ++x) {
      double height = 0, variance = 0, total = 0, count = 0;
      for (const CellViews& pair : pairs) {
        const float weight = pair.weight.at(x, y), value = pair.height.at(x, y);
        if (!cellCounts(weight, value)) continue;
        total += weight;
        const double share = weight / total, delta = value - height, spread = spreadOf(pair.spread.at(x, y));
        variance += share * (spread * spread - variance) + share * (1 - share) * delta * delta;
        height += share * delta;
        count += pair.count.at(x, y);
      }
      fused.height.at(x, y) = static_cast<float>(height);
      fused.weight.at(x, y) = static_cast<float>(total);
      fused.spread.at(x, y) = static_cast<float>(std::sqrt(std::max(0.0, variance)));
      fused.count.at(x, y) = static_cast<float>(count);
    }
  }
}

void blendTiles(const std::vector<BlendTile>& tiles, const BlendOptions& options, const MergedOutputs& out) {
  const int width = out.height.width;
  // Between two bounds the same tiles have a feather, in any one row.
  std::vector<int> bounds{0, width};
  for (const BlendTile& tile : tiles) addBounds(tile, width, bounds);
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::vector<const BlendTile*> here;
  std::vector<Share> shares(tiles.size());
  for (int row = 0; row < out.height.height; ++row) {
    for (size_t i = 1; i < bounds.size(); ++i) {
      const Columns span{bounds[i - 1], bounds[i]};
      here.clear();
      for (const BlendTile& tile : tiles) {
        if (tile.featherRow[row] > 0 && tile.featherCol[span.from] > 0) here.push_back(&tile);
      }
      if (here.size() == 1) {
        takeCells(cellsOf(*here[0], span.from, row), span.to - span.from, static_cast<float>(options.fullWeight), options.emptyReason,
                  cellsOf(out, span.from, row));
        continue;
      }
      if (here.size() == 2) {
        const auto feathered = [&](const BlendTile& tile) -> FeatheredRow {
          return {cellsOf(tile, span.from, row), tile.featherCol + span.from, tile.featherRow[row], tile.isOwner};
        };
        blendTwo(feathered(*here[0]), feathered(*here[1]), span.to - span.from, options.toleranceM, options.fullWeight, options.emptyReason,
                 cellsOf(out, span.from, row));
        continue;
      }
      clearCells(out, span, row, options.emptyReason);
      if (here.empty()) continue;
      for (int col = span.from; col < span.to; ++col) {
        int n = 0;
        for (const BlendTile* tile : here) {
          const int x = col - tile->col0, y = row - tile->row0;
          const float height = tile->cells.height.at(x, y), weight = tile->cells.weight.at(x, y);
          if (!cellCounts(weight, height)) continue;
          shares[static_cast<size_t>(n++)] = {tile->featherCol[col] * tile->featherRow[row], height, weight,
                                              spreadOf(tile->cells.spread.at(x, y)), tile->cells.count.at(x, y), tile->isOwner};
        }
        blendCell(shares.data(), n, options, col, row, out);
      }
    }
  }
}

}  // namespace altiplano
