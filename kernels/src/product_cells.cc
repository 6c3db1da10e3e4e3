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

void ProductTally::add(const ProductTally& other) {
  for (int i = 0; i < kReasons; ++i) reasons[i] += other.reasons[i];
  heights += other.heights;
  confidences += other.confidences;
  spreads += other.spreads;
  points += other.points;
  minHeight = std::min(minHeight, other.minHeight);
  maxHeight = std::max(maxHeight, other.maxHeight);
  maxSpread = std::max(maxSpread, other.maxSpread);
  maxCount = std::max(maxCount, other.maxCount);
  for (size_t i = 0; i < bins.size(); ++i) bins[i] += other.bins[i];
}

void productRow(const MergedViews& merged, int row, const float* undulation, RowAreas areas, const ProductViews& out,
                ProductTally& tally) {
  const int width = merged.height.width;
  const float *height = merged.height.row(row), *confidence = merged.confidence.row(row), *spread = merged.spread.row(row);
  const float *count = merged.count.row(row), *reason = merged.reason.row(row);
  float *dsm = out.dsm.row(row), *sure = out.confidence.row(row), *spreads = out.spread.row(row);
  uint16_t* points = out.count.row(row);
  uint8_t* validity = out.validity.row(row);
  for (int i = 0; i < width; ++i) {
    int why = reason[i] < 0 ? static_cast<int>(kOutside) : static_cast<int>(reason[i]);
    if (areas.roi != nullptr && areas.roi[i] == 0) why = kOutsideRoi;
    if (areas.seen != nullptr && areas.seen[i] == 0 && why == kNoPoint) why = kOutside;
    validity[i] = static_cast<uint8_t>(why);
  }
  for (int i = 0; i < width; ++i) {
    const bool valid = validity[i] == kHasHeight;
    const double metres = static_cast<double>(height[i]) - (undulation == nullptr ? 0.0F : undulation[i]);
    dsm[i] = valid ? toStep<kHeightSteps>(metres) : kNoHeight;
    sure[i] = valid ? toStep<kSteps>(confidence[i]) : kNoHeight;
    spreads[i] = valid ? toStep<kSteps>(spread[i]) : kNoHeight;
    points[i] = valid ? static_cast<uint16_t>(std::min(count[i], 65535.0F)) : 0;
  }
  const auto bins = static_cast<float>(tally.bins.size());
  const float perMetre = bins / (tally.binsTo - tally.binsFrom);
  for (int i = 0; i < width; ++i) {
    ++tally.reasons[validity[i]];
    if (validity[i] != kHasHeight) continue;
    const auto steps = [](float value) { return static_cast<int32_t>(value * kSteps); };
    const auto h = static_cast<int32_t>(dsm[i] * kHeightSteps);
    tally.heights += h;
    tally.confidences += steps(sure[i]);
    tally.spreads += steps(spreads[i]);
    tally.points += points[i];
    tally.minHeight = std::min(tally.minHeight, h);
    tally.maxHeight = std::max(tally.maxHeight, h);
    tally.maxSpread = std::max(tally.maxSpread, steps(spreads[i]));
    tally.maxCount = std::max<int32_t>(tally.maxCount, points[i]);
    if (bins > 0) ++tally.bins[static_cast<size_t>(std::clamp((dsm[i] - tally.binsFrom) * perMetre, 0.0F, bins - 1))];
  }
}

void addInside(const std::vector<double>& ring, double north, double originE, double resolution, int col0, int cols,
               std::vector<double>& crossings, uint8_t* inside) {
  crossings.clear();
  const size_t corners = ring.size() / 2;
  for (size_t i = 0; i < corners; ++i) {
    const size_t next = (i + 1) % corners;
    const double x0 = ring[2 * i], y0 = ring[2 * i + 1], x1 = ring[2 * next], y1 = ring[2 * next + 1];
    if ((y0 < north) != (y1 < north)) crossings.push_back(x0 + ((north - y0) / (y1 - y0)) * (x1 - x0));
  }
  std::sort(crossings.begin(), crossings.end());
  // The first cell whose centre is not west of a crossing: about where it lies, then to the bit.
  const auto firstFrom = [&](double crossing) {
    const auto isEast = [&](int i) { return crossing <= originE + (col0 + i + 0.5) * resolution; };
    int i = static_cast<int>(std::clamp((crossing - originE) / resolution - col0, 0.0, static_cast<double>(cols)));
    while (i > 0 && isEast(i - 1)) --i;
    while (i < cols && !isEast(i)) ++i;
    return i;
  };
  for (size_t k = 0; k < crossings.size(); k += 2) {
    const int from = firstFrom(crossings[k]), to = k + 1 < crossings.size() ? firstFrom(crossings[k + 1]) : cols;
    if (from < to) std::fill(inside + from, inside + to, uint8_t{1});
  }
}

void halveProduct(const ProductViews& in, const ProductViews& out) {
  for (int y = 0; y < out.dsm.height; ++y) {
    halveRow<kHeightSteps>(in.dsm, y, out.dsm);
    halveRow<kSteps>(in.confidence, y, out.confidence);
    halveRow<kSteps>(in.spread, y, out.spread);
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
