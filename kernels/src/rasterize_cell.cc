// SPDX-License-Identifier: Apache-2.0
#include "rasterize_cell.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace altiplano {

DistanceWeight::DistanceWeight(double sigma) : perSquare(static_cast<float>(-1.4426950408889634 / (2 * sigma * sigma))) {}

float DistanceWeight::operator()(float squared) const {
  const float power = std::max(perSquare * squared, kLeastPower);
  const float rounded = power + kRound;
  const float f = power - (rounded - kRound);
  float series = kPowers[3];
  for (int k = 2; k >= 0; --k) series = series * f + kPowers[k];
  return std::bit_cast<float>(std::bit_cast<uint32_t>(series) + (std::bit_cast<uint32_t>(rounded) << 23));
}

void sortByHeight(std::vector<HeightSample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const HeightSample& a, const HeightSample& b) {
    return a.height < b.height || (a.height == b.height && a.weight < b.weight);
  });
}

Surface heaviestSurface(const std::vector<HeightSample>& samples, float stepM) {
  Surface best{samples.front().height, samples.front().height};
  float bestWeight = -1;
  size_t end = 0;
  for (size_t begin = 0; end < samples.size(); ++begin) {
    const size_t before = end;
    end = std::max(end, begin + 1);
    while (end < samples.size() && samples[end].height - samples[end - 1].height <= stepM &&
           samples[end].height - samples[begin].height <= 2 * stepM) {
      ++end;
    }
    if (end == before) continue;  // less of the group before, which can't weigh more
    float weight = 0;
    for (size_t i = begin; i < end; ++i) weight += samples[i].weight;
    if (weight > bestWeight) {
      bestWeight = weight;
      best = {samples[begin].height, samples[end - 1].height};
    }
  }
  return best;
}

CellValue cellOf(const std::vector<CellPoint>& points, const DistanceWeight& distanceWeight, float stepM) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  const auto weightOf = [&](const CellPoint& p) { return p.weight * distanceWeight(p.x * p.x + p.y * p.y); };
  Surface surface{kInfinity, -kInfinity};
  for (const CellPoint& p : points) {
    surface = {std::min(surface.low, p.height), std::max(surface.high, p.height)};
  }
  if (surface.high - surface.low > stepM) {
    std::vector<HeightSample> samples;
    for (const CellPoint& p : points) samples.push_back({p.height, weightOf(p)});
    sortByHeight(samples);
    surface = heaviestSurface(samples, stepM);
  }
  // Moments about the cell's centre and the middle height, so that altitude costs no digits.
  const float middle = (surface.low + surface.high) * 0.5f;
  float w = 0, x = 0, y = 0, h = 0, xx = 0, xy = 0, yy = 0, xh = 0, yh = 0, hh = 0;
  int count = 0;
  for (const CellPoint& p : points) {
    if (p.height < surface.low || p.height > surface.high) continue;
    const float weight = weightOf(p), height = p.height - middle;
    const float wx = weight * p.x, wy = weight * p.y, wh = weight * height;
    w += weight, x += wx, y += wy, h += wh;
    xx += wx * p.x, xy += wx * p.y, yy += wy * p.y;
    xh += wx * height, yh += wy * height, hh += wh * height;
    ++count;
  }
  if (!(w > kLeastWeight)) return {kNaN, 0, kNaN, 0};
  const float per = 1 / w;
  x *= per, y *= per, h *= per;
  xx = (xx * per - x * x) + kRidge, yy = (yy * per - y * y) + kRidge, xy = xy * per - x * y;
  xh = xh * per - x * h, yh = yh * per - y * h, hh = hh * per - h * h;
  const float determinant = xx * yy - xy * xy;
  const float byX = (xh * yy - yh * xy) / determinant, byY = (yh * xx - xh * xy) / determinant;
  const float height = middle + ((h - byX * x) - byY * y);
  const float variance = std::max((hh - byX * xh) - byY * yh, 0.0f);
  return {std::min(std::max(height, surface.low), surface.high), w, std::sqrt(variance),
          static_cast<uint16_t>(std::min(count, 65535))};
}

}  // namespace altiplano
