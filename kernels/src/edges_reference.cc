// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "edges.h"
#include "radiometry.h"
#include "speckle.h"
#include "validity.h"

// The definition, read off afresh for each pixel: no tables, no margins, nothing kept from one pixel to the next. Only the specks
// and the radiometry are the fast code's own (speckle.h has a twin of its own, radiometry.h is the definition). What is stated
// beyond edges.h is the order of the sums, because bits depend on it: down a column first, then along the columns.
namespace altiplano {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kMostSurfaces = 6;

// NaN where there are no data, or no pixels.
float greyAt(ImageView<const float> image, ImageView<const uint8_t> valid, int u, int v) {
  const bool exists = u >= 0 && v >= 0 && u < image.width && v < image.height;
  return exists && valid.at(u, v) != 0 ? image.at(u, v) : std::numeric_limits<float>::quiet_NaN();
}

struct Neighbour {
  int du, dv;
  float disparity;
};
// The nearest first, the first row's first of equally near.
using Neighbours = std::vector<Neighbour>;

// The pixels within kEdgeReach that have a disparity, not the one in the middle.
Neighbours neighboursOf(const Image<float>& map, int u, int v) {
  Neighbours all;
  for (int square = 1; square <= 2 * kEdgeReach * kEdgeReach; ++square) {
    for (int dv = -kEdgeReach; dv <= kEdgeReach; ++dv) {
      for (int du = -kEdgeReach; du <= kEdgeReach; ++du) {
        const bool exists = u + du >= 0 && v + dv >= 0 && u + du < map.width() && v + dv < map.height();
        if (du * du + dv * dv != square || !exists) continue;
        const float d = map.view().at(u + du, v + dv);
        if (!std::isnan(d)) all.push_back({du, dv, d});
      }
    }
  }
  return all;
}

// Whether a pixel's surroundings, itself included, span more than two steps.
bool isNearEdge(const Neighbours& neighbours, float own, float stepPx) {
  float low = own, high = own;
  for (const Neighbour& n : neighbours) low = std::min(low, n.disparity), high = std::max(high, n.disparity);
  return high - low > 2 * stepPx;
}

// The surfaces around a pixel of disparity `own` (NaN: a hole). Each neighbour further than a step from `own` belongs to the first
// surface whose nearest pixel it is within a step of, or begins one. Of more than kMostSurfaces the farthest are left out.
// A slope is one surface: what of all these disparities, in order, lies in one row of steps with `own` is no other surface.
std::vector<Neighbours> surfacesAround(const Neighbours& neighbours, float own, float stepPx) {
  const bool isHole = std::isnan(own);
  std::vector<Neighbours> surfaces;
  std::vector<float> heights;
  for (const Neighbour& n : neighbours) {
    if (isHole || std::fabs(n.disparity - own) > stepPx) {
      const auto like = std::find_if(surfaces.begin(), surfaces.end(), [&](const Neighbours& s) {
        return std::fabs(n.disparity - s.front().disparity) <= stepPx;
      });
      if (like == surfaces.end() && surfaces.size() == kMostSurfaces) continue;
      if (like == surfaces.end()) surfaces.push_back({n});
      else like->push_back(n);
    }
    heights.push_back(n.disparity);
  }
  if (isHole) return surfaces;
  std::sort(heights.begin(), heights.end());
  float low = own, high = own;
  for (auto d = heights.rbegin(); d != heights.rend(); ++d) low = *d < low && low - *d <= stepPx ? *d : low;
  for (const float d : heights) high = d > high && d - high <= stepPx ? d : high;
  std::erase_if(surfaces, [&](const Neighbours& s) { return s.front().disparity >= low && s.front().disparity <= high; });
  return surfaces;
}

// The mean with weights 1 / (|p - q|^2 + 1/2)^2.
float meanOf(Neighbours surface) {
  const float first = surface.front().disparity;
  std::sort(surface.begin(), surface.end(), [](const Neighbour& a, const Neighbour& b) { return a.dv < b.dv; });
  float weight = 0, shift = 0;
  for (int du = -kEdgeReach; du <= kEdgeReach; ++du) {
    float columnWeight = 0, columnShift = 0;
    for (const Neighbour& n : surface) {
      if (n.du != du) continue;
      const float near = 2 / static_cast<float>(2 * (n.du * n.du + n.dv * n.dv) + 1);
      columnWeight += near * near;
      columnShift += near * near * (n.disparity - first);
    }
    weight += columnWeight;
    shift += columnShift;
  }
  return first + shift / weight;
}

// Weights of cubic interpolation (Keys, 1981) of a pixel x <= 1 away, and of one 1 + x away.
float weightWithinOne(float x) { return 1 - x * x * (2.5f - 1.5f * x); }
float weightBeyondOne(float x, float oneLessX) { return -0.5f * x * oneLessX * oneLessX; }

// E(p, d) of edges.h, over the pixels that both images have. Infinite: there are none, or the match lies outside.
float misfit(const RefineInput& in, const Radiometry& radiometry, int u, int v, float d) {
  const float whole = std::floor(d), t = d - whole, s = 1 - t;
  const int x = u + static_cast<int>(whole) + in.secOffset;
  if (x < 0 || x >= in.sec.width) return kInfinity;
  const float centre = greyAt(in.ref, in.refValid, u, v);
  float sum = 0, weights = 0;
  for (int du = -kEdgeSupport; du <= kEdgeSupport; ++du) {
    float columnSum = 0, columnWeights = 0;
    for (int dv = -kEdgeSupport; dv <= kEdgeSupport; ++dv) {
      const auto secondary = [&](int away) { return greyAt(in.sec, in.secValid, x + du + away, v + dv); };
      const float grey = greyAt(in.ref, in.refValid, u + du, v + dv);
      const float match = weightBeyondOne(t, s) * secondary(-1) + weightWithinOne(t) * secondary(0) + weightWithinOne(s) * secondary(1) +
                          weightBeyondOne(s, t) * secondary(2);
      const float deviation = std::fabs(grey - radiometry.bias - radiometry.gain * match) * radiometry.perDeviation;
      const float unlike = (grey - centre) * radiometry.perDeviation / 2, y = 1 + unlike * unlike;
      const float weight = 2 / static_cast<float>(2 + du * du + dv * dv) / (y * y);
      if (std::isnan(deviation) || std::isnan(weight)) continue;
      columnSum += weight * std::min(deviation, 2.5f);
      columnWeights += weight;
    }
    sum += columnSum;
    weights += columnWeights;
  }
  return weights > 0 ? sum / weights : kInfinity;
}

// Whether the largest of the row's disparities that lead to the pixel of the secondary that (u, d) leads to, if any does, is within a step of d.
bool isFree(const Image<float>& map, const RefineInput& in, int u, int v, float d, float stepPx) {
  const auto matchOf = [](int column, float disparity) { return column + static_cast<int>(std::floor(disparity + 0.5f)); };
  const int match = matchOf(u, d), x = match + in.secOffset;
  if (x < 0 || x >= in.sec.width) return false;
  float largest = -kInfinity;
  for (int other = 0; other < map.width(); ++other) {
    const float there = map.view().at(other, v);
    if (!std::isnan(there) && matchOf(other, there) == match) largest = std::max(largest, there);
  }
  return largest == -kInfinity || std::fabs(largest - d) <= stepPx;
}

bool isAnySetAround(const Image<uint8_t>& marks, int u, int v, int reach) {
  for (int y = std::max(0, v - reach); y <= std::min(marks.height() - 1, v + reach); ++y) {
    for (int x = std::max(0, u - reach); x <= std::min(marks.width() - 1, u + reach); ++x) {
      if (marks.view().at(x, y) != 0) return true;
    }
  }
  return false;
}

// The disparity that pixel (u, v) gets in a round that begins with `map`: of the best fitting surface, the nearest of several. NaN: none has.
float decide(const RefineInput& in, const EdgeOptions& options, const Image<float>& map, const Radiometry& radiometry, int u, int v) {
  const float own = map.view().at(u, v);
  const bool isHole = std::isnan(own);
  const Neighbours neighbours = neighboursOf(map, u, v);
  if (radiometry.perDeviation == 0 || (!isHole && !isNearEdge(neighbours, own, options.stepPx))) return own;
  const int fewest = isHole ? options.fewestToFill : options.fewest;
  float best = own, least = isHole ? options.acceptable : misfit(in, radiometry, u, v, own) - options.advantage;
  for (const Neighbours& surface : surfacesAround(neighbours, own, options.stepPx)) {
    if (static_cast<int>(surface.size()) < fewest) continue;
    const float d = meanOf(surface);
    if (isHole && !isFree(map, in, u, v, d, options.stepPx)) continue;
    const float with = misfit(in, radiometry, u, v, d);
    if (with < least) least = with, best = d;
  }
  return best;
}

}  // namespace

void sharpenEdgesReference(const RefineInput& in, const EdgeOptions& options, const DisparityViews& map) {
  const int width = map.disparity.width, height = map.disparity.height;
  // A quarter of what is small in the end is small in the first rounds.
  if (options.rounds > 0) removeSpeckles(map, options.specklePx / 4, options.stepPx);
  const RadiometryMap radiometries(in, map.disparity);
  Image<uint8_t> changed(width, height);
  for (int round = 0; round < options.rounds + options.fillRounds; ++round) {
    const bool isFilling = round >= options.rounds, isFirst = round == 0 || round == options.rounds;
    if (round == options.rounds) removeSpeckles(map, options.specklePx, options.stepPx);
    Image<float> before(width, height);
    for (int v = 0; v < height; ++v) std::copy_n(map.disparity.row(v), width, before.view().row(v));
    Image<uint8_t> changes(width, height);
    for (int v = 0; v < height; ++v) {
      for (int u = 0; u < width; ++u) {
        const float own = before.view().at(u, v);
        const bool isFillable = (map.validity.at(u, v) & ~(kLeftRight | kAmbiguous | kSpeckle)) == 0;
        if (std::isnan(own) != isFilling || (isFilling && !isFillable)) continue;
        if (!isFirst && !isAnySetAround(changed, u, v, kEdgeAgain)) continue;
        const float best = decide(in, options, before, radiometries.at(u, v), u, v);
        if (std::isnan(best) || best == own) continue;
        map.disparity.at(u, v) = best;
        changes.view().at(u, v) = 1;
        if (isFilling) map.validity.at(u, v) = kValid, map.confidence.at(u, v) = kLeastConfidence;
      }
    }
    changed = std::move(changes);
  }
}

}  // namespace altiplano
