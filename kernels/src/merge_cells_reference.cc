// SPDX-License-Identifier: Apache-2.0
#include "merge_cells.h"

namespace altiplano {

void takeCellsReference(const PartialRow& in, int cells, float fullWeight, uint16_t emptyReason, const MergedRow& out) {
  for (int i = 0; i < cells; ++i) {
    const bool counts = cellCounts(in.weight[i], in.height[i]);
    out.height[i] = counts ? in.height[i] : kNoHeight;
    out.confidence[i] = counts ? confidenceSteps(in.weight[i] / fullWeight) : 0;
    out.count[i] = counts ? countSteps(in.count[i]) : 0;
    out.spread[i] = counts ? spreadSteps(in.spread[i]) : 0;
    out.reason[i] = counts ? static_cast<uint16_t>(kHasHeight) : emptyReason;
  }
}

void blendTwoReference(const FeatheredRow& first, const FeatheredRow& second, int cells, double toleranceM, double fullWeight, uint16_t emptyReason,
                       const MergedRow& out) {
  for (int i = 0; i < cells; ++i) {
    const auto counts = [i](const FeatheredRow& tile) { return cellCounts(tile.cells.weight[i], tile.cells.height[i]); };
    const auto featherOf = [i](const FeatheredRow& tile) { return tile.feather[i] * tile.rowFeather; };
    const FeatheredRow* lead = counts(first) ? &first : nullptr;
    if (counts(second) && (lead == nullptr || second.isOwner || (!first.isOwner && featherOf(second) > featherOf(first)))) lead = &second;
    out.height[i] = kNoHeight;
    out.confidence[i] = out.count[i] = out.spread[i] = 0;
    out.reason[i] = emptyReason;
    if (lead == nullptr) continue;
    double feathers = 0, weights = 0, offsets = 0, squares = 0;
    for (const FeatheredRow* tile : {&first, &second}) {
      if (!counts(*tile)) continue;
      const double offset = static_cast<double>(tile->cells.height[i]) - lead->cells.height[i];
      if (std::fabs(offset) > toleranceM) continue;
      const double weight = featherOf(*tile) * tile->cells.weight[i], spread = tile->cells.spread[i] > 0 ? tile->cells.spread[i] : 0;
      feathers += featherOf(*tile);
      weights += weight;
      offsets += weight * offset;
      squares += weight * (spread * spread + offset * offset);
    }
    const double mean = offsets / weights;
    out.height[i] = static_cast<float>(lead->cells.height[i] + mean);
    out.spread[i] = spreadSteps(static_cast<float>(std::sqrt(std::max(0.0, squares / weights - mean * mean))));
    out.confidence[i] = confidenceSteps(static_cast<float>(std::min(1.0, weights / feathers / fullWeight)));
    out.count[i] = countSteps(lead->cells.count[i]);
    out.reason[i] = kHasHeight;
  }
}

}  // namespace altiplano
