// SPDX-License-Identifier: Apache-2.0
#include "product_cells.h"

#include <algorithm>

namespace altiplano {
namespace {

// To the nearest whole number, ties to even, for |value| < 2^31: adding 1.5 * 2^52 leaves no room for a fraction.
// Two additions vectorise on every target, where a call to round() does not.
inline double rounded(double value) {
  constexpr double kNoFraction = 6755399441055744.0;
  return (value + kNoFraction) - kNoFraction;
}
template <int steps>
inline float toStep(double value) {
  return static_cast<float>(rounded(value * steps) * (1.0 / steps));
}

// The mean of those of four values that are not kNoHeight; kNoHeight if there is none. No branches: it vectorises.
template <int steps>
inline float meanOf(float a, float b, float c, float d) {
  constexpr double kShare[5] = {0, 1.0, 0.5, 1.0 / 3, 0.25};
  const auto counts = [](float value) { return value != kNoHeight ? 1 : 0; };
  const int n = counts(a) + counts(b) + counts(c) + counts(d);
  const double sum = static_cast<double>(counts(a) * a) + counts(b) * b + (static_cast<double>(counts(c) * c) + counts(d) * d);
  const float mean = toStep<steps>(sum * kShare[n]);
  return n == 0 ? kNoHeight : mean;
}

template <int steps>
void halveRow(ImageView<float> from, int y, ImageView<float> to) {
  const float *top = from.row(2 * y), *bottom = from.row(2 * y + 1);
  float* mean = to.row(y);
  for (int x = 0; x < to.width; ++x) mean[x] = meanOf<steps>(top[2 * x], top[2 * x + 1], bottom[2 * x], bottom[2 * x + 1]);
}

// Of up to four classes the most frequent; the first of equals; kBeyond only where all are.
inline uint8_t modeOf(const uint8_t (&values)[4]) {
  if (values[0] == values[1] && values[0] == values[2] && values[0] == values[3]) return values[0];
  uint8_t best = kBeyond;
  int votes = 0;
  for (const uint8_t value : values) {
    if (value == kBeyond) continue;
    const int n = (values[0] == value) + (values[1] == value) + (values[2] == value) + (values[3] == value);
    if (n > votes) {
      votes = n;
      best = value;
    }
  }
  return best;
}

}  // namespace

void productCellsReference(const MergedCells& merged, int cells, const float* undulation, RowAreas areas, const ProductCells& out,
                           ProductTally& tally) {
  const auto bins = static_cast<float>(tally.bins.size());
  const float perMetre = bins / (tally.binsTo - tally.binsFrom);
  for (int i = 0; i < cells; ++i) {
    int why = merged.reason[i] > kOutsideRoi ? static_cast<int>(kOutside) : merged.reason[i];
    if (areas.roi != nullptr && areas.roi[i] == 0) why = kOutsideRoi;
    if (areas.seen != nullptr && areas.seen[i] == 0 && why == kNoPoint) why = kOutside;
    const bool valid = why == kHasHeight;
    const double metres = static_cast<double>(merged.height[i]) - (undulation == nullptr ? 0.0F : undulation[i]);
    out.validity[i] = static_cast<uint8_t>(why);
    out.dsm[i] = valid ? toStep<kHeightSteps>(metres) : kNoHeight;
    out.confidence[i] = valid ? static_cast<float>(merged.confidence[i]) / kUnitSteps : kNoHeight;
    out.spread[i] = valid ? static_cast<float>(merged.spread[i]) / kUnitSteps : kNoHeight;
    out.count[i] = valid ? merged.count[i] : uint16_t{0};
    ++tally.reasons[why];
    if (!valid) continue;
    const auto h = static_cast<int32_t>(out.dsm[i] * kHeightSteps);
    tally.heights += h;
    tally.confidences += merged.confidence[i];
    tally.spreads += merged.spread[i];
    tally.points += merged.count[i];
    tally.minHeight = std::min(tally.minHeight, h);
    tally.maxHeight = std::max(tally.maxHeight, h);
    tally.maxSpread = std::max<int32_t>(tally.maxSpread, merged.spread[i]);
    tally.maxCount = std::max<int32_t>(tally.maxCount, merged.count[i]);
    if (bins > 0) ++tally.bins[static_cast<size_t>(std::clamp((out.dsm[i] - tally.binsFrom) * perMetre, 0.0F, bins - 1))];
  }
}

void halveProductReference(const ProductViews& in, const ProductViews& out) {
  for (int y = 0; y < out.dsm.height; ++y) {
    halveRow<kHeightSteps>(in.dsm, y, out.dsm);
    halveRow<kUnitSteps>(in.confidence, y, out.confidence);
    halveRow<kUnitSteps>(in.spread, y, out.spread);
    const uint16_t *top = in.count.row(2 * y), *bottom = in.count.row(2 * y + 1);
    const uint8_t *topWhy = in.validity.row(2 * y), *bottomWhy = in.validity.row(2 * y + 1);
    for (int x = 0; x < out.count.width; ++x) {
      const uint8_t why[4] = {topWhy[2 * x], topWhy[2 * x + 1], bottomWhy[2 * x], bottomWhy[2 * x + 1]};
      const int cells = (why[0] != kBeyond) + (why[1] != kBeyond) + (why[2] != kBeyond) + (why[3] != kBeyond);
      const int sum = top[2 * x] + top[2 * x + 1] + bottom[2 * x] + bottom[2 * x + 1];
      out.count.at(x, y) = static_cast<uint16_t>(cells == 0 ? 0 : (sum + cells / 2) / cells);
      out.validity.at(x, y) = modeOf(why);
    }
  }
}

}  // namespace altiplano
