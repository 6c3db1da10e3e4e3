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

}  // namespace altiplano
