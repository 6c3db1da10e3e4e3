// SPDX-License-Identifier: Apache-2.0
#include "rasterize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Added to the points' variance along each axis, cells squared: keeps the plane of few or aligned points level.
constexpr double kRidge = 0.02;

// Position in cells from the grid's upper left corner.
struct CellPoint {
  float x, y, height, weight;
};

// The points sorted by cell, row by row, in their own order within a cell; the grid has `radius` more cells
// on every side. Points of cell i are points[start[i]] to points[start[i + 1]].
struct Buckets {
  int width;
  std::vector<uint32_t> start;
  std::vector<CellPoint> points;
};

Buckets sortByCell(const PointArrays& in, const GridPlace& place, int radius, int width, int height) {
  Buckets buckets{width + 2 * radius, {}, {}};
  const int cells = buckets.width * (height + 2 * radius);
  buckets.start.assign(static_cast<size_t>(cells) + 1, 0);
  constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> cellOf(in.n, kNowhere);
  const auto place2d = [&](size_t i) {
    return std::pair((in.east[i] + place.eastM) / place.resolution, (place.southM - in.north[i]) / place.resolution);
  };
  for (size_t i = 0; i < in.n; ++i) {
    const auto [x, y] = place2d(i);
    const bool counts = in.weight[i] > 0 && std::isfinite(in.weight[i]) && std::isfinite(in.up[i]) && x >= -radius &&
                        y >= -radius && x < width + radius && y < height + radius;  // false for NaN
    if (!counts) continue;
    cellOf[i] = static_cast<uint32_t>((static_cast<int>(std::floor(y)) + radius) * buckets.width +
                                      static_cast<int>(std::floor(x)) + radius);
    ++buckets.start[cellOf[i] + 1];
  }
  for (int cell = 0; cell < cells; ++cell) buckets.start[cell + 1] += buckets.start[cell];
  buckets.points.resize(buckets.start[cells]);
  std::vector<uint32_t> next(buckets.start.begin(), buckets.start.end() - 1);
  for (size_t i = 0; i < in.n; ++i) {
    if (cellOf[i] == kNowhere) continue;
    const auto [x, y] = place2d(i);
    buckets.points[next[cellOf[i]]++] = {static_cast<float>(x), static_cast<float>(y), in.up[i], in.weight[i]};
  }
  return buckets;
}

// exp(-t) for t >= 0 from basic arithmetic: the library's differs from machine to machine in the last bit.
double expMinus(double t) {
  constexpr int kHalvings = 10;
  const double x = -t / (1 << kHalvings);
  double sum = 1, term = 1;
  for (int k = 1; k <= 12; ++k) {
    term *= x / k;
    sum += term;
  }
  for (int k = 0; k < kHalvings; ++k) sum *= sum;
  return sum;
}

// Gaussian of a squared distance in cells, by a table fine enough that its steps don't matter.
class DistanceWeight {
 public:
  DistanceWeight(double sigma, int radius) {
    const double farthest = 2 * (radius + 0.5) * (radius + 0.5);
    perSquare_ = (kEntries - 1) / farthest;
    for (int i = 0; i < kEntries; ++i) table_[i] = static_cast<float>(expMinus(i / perSquare_ / (2 * sigma * sigma)));
  }
  float operator()(double squared) const {
    return table_[std::min(kEntries - 1, static_cast<int>(squared * perSquare_ + 0.5))];
  }

 private:
  static constexpr int kEntries = 4096;
  double perSquare_;
  std::vector<float> table_ = std::vector<float>(kEntries);
};

// A point as one cell sees it: offset from the cell's centre in cells, height, weight with the distance's.
struct Sample {
  double x, y, height, weight;
};

// Leaves in `samples` the heaviest group of one surface; of equal ones the lowest.
void keepHeaviestGroup(std::vector<Sample>& samples, double stepM) {
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.height < b.height; });
  size_t best = 0, bestEnd = 0, end = 0;
  double bestWeight = 0;
  for (size_t begin = 0; begin < samples.size(); ++begin) {
    end = std::max(end, begin + 1);
    while (end < samples.size() && samples[end].height - samples[end - 1].height <= stepM &&
           samples[end].height - samples[begin].height <= 2 * stepM) {
      ++end;
    }
    double weight = 0;
    for (size_t i = begin; i < end; ++i) weight += samples[i].weight;
    if (weight > bestWeight) {
      bestWeight = weight;
      best = begin;
      bestEnd = end;
    }
    if (end == samples.size()) break;  // what begins later is a part of this group
  }
  samples.erase(samples.begin() + static_cast<ptrdiff_t>(bestEnd), samples.end());
  samples.erase(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(best));
}

struct CellValue {
  double height, weight, spread;
};

// The samples' weighted plane at the cell's centre. low, high: the samples' extreme heights.
CellValue planeAtCentre(const std::vector<Sample>& samples, double low, double high) {
  double weight = 0, x = 0, y = 0, height = 0;
  for (const Sample& s : samples) {
    weight += s.weight;
    x += s.weight * s.x;
    y += s.weight * s.y;
    height += s.weight * (s.height - low);  // relative, so that altitude costs no digits
  }
  x /= weight, y /= weight, height /= weight;
  double xx = 0, xy = 0, yy = 0, xh = 0, yh = 0, hh = 0;
  for (const Sample& s : samples) {
    const double dx = s.x - x, dy = s.y - y, dh = s.height - low - height;
    xx += s.weight * dx * dx, xy += s.weight * dx * dy, yy += s.weight * dy * dy;
    xh += s.weight * dx * dh, yh += s.weight * dy * dh, hh += s.weight * dh * dh;
  }
  xx = xx / weight + kRidge, yy = yy / weight + kRidge, xy /= weight;
  xh /= weight, yh /= weight, hh /= weight;
  const double determinant = xx * yy - xy * xy;
  const double byX = (xh * yy - yh * xy) / determinant, byY = (yh * xx - xh * xy) / determinant;
  const double variance = std::max(0.0, hh - byX * xh - byY * yh);
  return {std::clamp(low + height - byX * x - byY * y, low, high), weight, std::sqrt(variance)};
}

}  // namespace

void rasterizeDsm(const PointArrays& points, const GridPlace& place, const RasterizeOptions& options,
                  const DsmViews& out) {
  const int width = out.height.width, height = out.height.height, radius = options.radius;
  const Buckets buckets = sortByCell(points, place, radius, width, height);
  const DistanceWeight distanceWeight(options.sigma, radius);
  std::vector<Sample> samples;
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) {
      samples.clear();
      double low = std::numeric_limits<double>::infinity(), high = -low;
      for (int row = j; row <= j + 2 * radius; ++row) {
        // Buckets of neighbouring cells of a row lie side by side.
        const size_t cell = static_cast<size_t>(row) * buckets.width + i;
        for (uint32_t k = buckets.start[cell]; k < buckets.start[cell + 2 * radius + 1]; ++k) {
          const CellPoint& p = buckets.points[k];
          const double x = p.x - (i + 0.5), y = p.y - (j + 0.5);
          samples.push_back({x, y, p.height, static_cast<double>(p.weight) * distanceWeight(x * x + y * y)});
          low = std::min<double>(low, p.height);
          high = std::max<double>(high, p.height);
        }
      }
      if (high - low > options.stepM) {
        keepHeaviestGroup(samples, options.stepM);
        if (!samples.empty()) low = samples.front().height, high = samples.back().height;
      }
      const bool any = !samples.empty();
      const CellValue value = any ? planeAtCentre(samples, low, high) : CellValue{kNaN, 0, kNaN};
      // A weight that vanishes with the distance is no basis for a height.
      const bool some = any && value.weight > 0;
      out.height.at(i, j) = some ? static_cast<float>(value.height) : kNaN;
      out.weight.at(i, j) = some ? static_cast<float>(value.weight) : 0.0f;
      out.spread.at(i, j) = some ? static_cast<float>(value.spread) : kNaN;
      out.count.at(i, j) = some ? static_cast<uint16_t>(std::min<size_t>(samples.size(), 65535)) : 0;
    }
  }
}

}  // namespace altiplano
