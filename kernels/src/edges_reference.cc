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

// Only the specks and the radiometry are the fast code's own (speckle.h has a twin of its own, radiometry.h is the definition).
// Constants, weights by nearness and the growing of a pixel's own surface are written down a second time; how surfaces are
// found and summed, which pixels are looked at and which of the secondary are free is computed in another way.
namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kSide = 2 * kEdgeSupport + 1;
// A support's rows are 8 wide, so that they fill vectors; what is too much weighs nothing.
constexpr int kLanes = 8;
constexpr int kMargin = kLanes;
constexpr int kMaxSurfaces = 6;
// Specks of fewer than specklePx / kSeedShare pixels aren't allowed to grow to specklePx in the first rounds.
constexpr int kSeedShare = 4;
constexpr float kMostDeviation = 2.5f;
constexpr float kLookAlike = 2.0f;  // deviations
// What may be filled: pixels whose true disparity was within reach.
constexpr uint16_t kFillable = kLeftRight | kAmbiguous | kSpeckle;

// A copy with NaN where there are no data and for `margin` pixels on all sides.
class Padded {
 public:
  Padded(int width, int height, int margin) : margin_(margin), image_(width + 2 * margin, height + 2 * margin) {
    for (int y = 0; y < height + 2 * margin; ++y) std::fill_n(image_.view().row(y), width + 2 * margin, kNaN);
  }
  Padded(ImageView<const float> from, ImageView<const uint8_t> valid, int margin)
      : Padded(from.width, from.height, margin) {
    for (int v = 0; v < from.height; ++v) {
      for (int u = 0; u < from.width; ++u) row(v)[u] = valid.at(u, v) != 0 ? from.at(u, v) : kNaN;
    }
  }
  void copy(ImageView<const float> from) {
    for (int v = 0; v < from.height; ++v) std::copy_n(from.row(v), from.width, row(v));
  }
  // Row v; columns from -margin on may be read.
  float* row(int v) { return image_.view().row(v + margin_) + margin_; }
  const float* row(int v) const { return image_.view().row(v + margin_) + margin_; }
  ptrdiff_t stride() const { return image_.view().stride; }

 private:
  int margin_;
  Image<float> image_;
};

// The pixels within kEdgeReach, nearest first, as offsets into an image.
struct Neighbour {
  ptrdiff_t offset;
  int column, row;  // from 0 to 2 kEdgeReach
  float weight;
};
std::vector<Neighbour> neighbourhood(ptrdiff_t stride) {
  std::vector<Neighbour> all;
  for (int dv = -kEdgeReach; dv <= kEdgeReach; ++dv) {
    for (int du = -kEdgeReach; du <= kEdgeReach; ++du) {
      if (du == 0 && dv == 0) continue;
      const float near = 1.0f / (static_cast<float>(du * du + dv * dv) + 0.5f);
      all.push_back({dv * stride + du, du + kEdgeReach, dv + kEdgeReach, near * near});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Neighbour& a, const Neighbour& b) { return a.weight > b.weight; });
  return all;
}

// Pixels of like disparity: `first` is the nearest one's, the others lie within stepPx of it.
struct Surface {
  float first, low, high;
  int pixels;
  // By column and row, zero for other pixels: weights and differences to `first`.
  float weights[2 * kEdgeReach + 1][2 * kEdgeReach + 1], shifts[2 * kEdgeReach + 1][2 * kEdgeReach + 1];

  // The mean by nearness. Sums run down columns, then along these.
  float disparity() const {
    float weight = 0, shift = 0;
    for (int i = 0; i <= 2 * kEdgeReach; ++i) {
      float columnWeight = 0, columnShift = 0;
      for (int j = 0; j <= 2 * kEdgeReach; ++j) {
        columnWeight += weights[i][j];
        columnShift += weights[i][j] * shifts[i][j];
      }
      weight += columnWeight;
      shift += columnShift;
    }
    return first + shift / weight;
  }
};

struct Surfaces {
  Surface of[kMaxSurfaces];
  int count = 0;
};

// The surfaces around `here` other than its own: what is connected to it by steps of at most stepPx, as on a slope, is
// its own too. Of more than kMaxSurfaces the farthest are left out.
Surfaces surfacesAround(const float* here, const std::vector<Neighbour>& neighbours, float stepPx) {
  const bool hole = std::isnan(*here);
  const float own = hole ? kInfinity : *here;
  float low = own, high = own;
  Surfaces found;
  for (const Neighbour& n : neighbours) {
    const float d = here[n.offset];
    if (!(std::fabs(d - own) > stepPx)) {  // NaN too
      low = std::min(low, d);
      high = std::max(high, d);
      continue;
    }
    int i = 0;
    while (i < found.count && !(std::fabs(d - found.of[i].first) <= stepPx)) ++i;
    if (i == kMaxSurfaces) continue;
    if (i == found.count) found.of[found.count++] = {d, d, d, 0, {}, {}};
    Surface& s = found.of[i];
    s.low = std::min(s.low, d);
    s.high = std::max(s.high, d);
    s.weights[n.column][n.row] = n.weight;
    s.shifts[n.column][n.row] = d - s.first;
    ++s.pixels;
  }
  if (hole) return found;
  for (bool grown = true; grown;) {
    grown = false;
    for (int i = 0; i < found.count; ++i) {
      const Surface s = found.of[i];
      if (s.low - high > stepPx || low - s.high > stepPx) continue;
      low = std::min(low, s.low);
      high = std::max(high, s.high);
      found.of[i--] = found.of[--found.count];
      grown = true;
    }
  }
  return found;
}

// Weights of a support by distance.
struct Nearness {
  float of[kSide][kLanes] = {};
  Nearness() {
    for (int j = 0; j < kSide; ++j) {
      for (int i = 0; i < kSide; ++i) {
        const int du = i - kEdgeSupport, dv = j - kEdgeSupport;
        of[j][i] = 1.0f / (1.0f + 0.5f * static_cast<float>(du * du + dv * dv));
      }
    }
  }
};

// What a pixel is judged by: the grey values around it and how much they count.
class Support {
 public:
  Support(const Padded& ref, const Nearness& nearness, int u, int v, const Radiometry& radiometry)
      : radiometry_(radiometry) {
    const float centre = ref.row(v)[u], scale = radiometry.perDeviation / kLookAlike;
    for (int j = 0; j < kSide; ++j) {
      const float* from = ref.row(v + j - kEdgeSupport) + u - kEdgeSupport;
      for (int i = 0; i < kLanes; ++i) {
        const float unlike = (from[i] - centre) * scale, y = 1.0f + unlike * unlike;
        const float w = nearness.of[j][i] / (y * y);
        grey_[j][i] = from[i] - radiometry.bias;
        weight_[j][i] = w == w ? w : 0.0f;  // missing: NaN
      }
    }
  }

  // E(p, d) of the header, of the match with column x + t, 0 <= t < 1, of the secondary's row v.
  float misfit(const Padded& sec, int x, int v, float t) const {
    const float s = 1 - t;
    // Cubic interpolation (Keys, 1981).
    const float t0 = -0.5f * t * s * s, t1 = 1 - t * t * (2.5f - 1.5f * t);
    const float t2 = 1 - s * s * (2.5f - 1.5f * s), t3 = -0.5f * s * t * t;
    float sums[kLanes] = {}, weights[kLanes] = {};
    for (int j = 0; j < kSide; ++j) {
      const float* from = sec.row(v + j - kEdgeSupport) + x - kEdgeSupport - 1;
      for (int i = 0; i < kLanes; ++i) {
        const float value = t0 * from[i] + t1 * from[i + 1] + t2 * from[i + 2] + t3 * from[i + 3];
        const float deviation = std::fabs(grey_[j][i] - radiometry_.gain * value) * radiometry_.perDeviation;
        const float w = deviation == deviation ? weight_[j][i] : 0.0f;
        // In this order a missing deviation, NaN, counts as the most.
        const float held = deviation < kMostDeviation ? deviation : kMostDeviation;
        sums[i] += w * held;
        weights[i] += w;
      }
    }
    float sum = 0, weight = 0;
    for (int i = 0; i < kSide; ++i) sum += sums[i], weight += weights[i];
    return weight > 0 ? sum / weight : kInfinity;
  }

 private:
  Radiometry radiometry_;
  float grey_[kSide][kLanes], weight_[kSide][kLanes];
};

// Which pixels to look at again: those where disparities within kEdgeReach span more than `spanPx`, or holes with
// enough of them around, and where anything has changed since the last look.
class Candidates {
 public:
  Candidates(int width, int height)
      : low_(width, height), high_(width, height), changed_(width, height), along_(width, height), pixels_(width, height) {
    markAll();
  }
  void markAll() {
    for (int v = 0; v < changed_.height(); ++v) std::fill_n(changed_.view().row(v), changed_.width(), uint8_t{1});
  }

  // To be called in front of each round; forgets the changes.
  void look(const Padded& map) {
    const int width = low_.width(), height = low_.height();
    for (int v = 0; v < height; ++v) {
      const float* from = map.row(v);
      float *low = low_.view().row(v), *high = high_.view().row(v);
      std::fill_n(low, width, kInfinity);
      std::fill_n(high, width, -kInfinity);
      uint8_t* pixels = pixels_.view().row(v);
      std::fill_n(pixels, width, uint8_t{0});
      for (int du = -kEdgeReach; du <= kEdgeReach; ++du) {
        // NaN compares false.
        for (int u = 0; u < width; ++u) low[u] = from[u + du] < low[u] ? from[u + du] : low[u];
        for (int u = 0; u < width; ++u) high[u] = from[u + du] > high[u] ? from[u + du] : high[u];
        for (int u = 0; u < width; ++u) pixels[u] = static_cast<uint8_t>(pixels[u] + (from[u + du] == from[u + du] ? 1 : 0));
      }
      const uint8_t* changed = changed_.view().row(v);
      uint8_t* along = along_.view().row(v);
      std::fill_n(along, width, uint8_t{0});
      for (int du = -kEdgeAgain; du <= kEdgeAgain; ++du) {
        for (int u = std::max(0, -du); u < width - std::max(0, du); ++u) along[u] |= changed[u + du];
      }
    }
    for (int v = 0; v < height; ++v) std::fill_n(changed_.view().row(v), width, uint8_t{0});
  }

  // Row v's, in `to`. fewest: of pixels around a hole; 0: those that have a disparity.
  void readRow(int v, int fewest, float spanPx, std::vector<uint8_t>& to) {
    const int width = low_.width(), last = low_.height() - 1;
    rowLow_.assign(static_cast<size_t>(width), kInfinity);
    rowHigh_.assign(static_cast<size_t>(width), -kInfinity);
    rowPixels_.assign(static_cast<size_t>(width), 0);
    std::fill(to.begin(), to.end(), uint8_t{0});
    float *low = rowLow_.data(), *high = rowHigh_.data();
    uint8_t *pixels = rowPixels_.data(), *t = to.data();
    for (int y = std::max(0, v - kEdgeReach); y <= std::min(last, v + kEdgeReach); ++y) {
      const float *lows = low_.view().row(y), *highs = high_.view().row(y);
      const uint8_t *along = along_.view().row(y), *some = pixels_.view().row(y);
      for (int u = 0; u < width; ++u) low[u] = lows[u] < low[u] ? lows[u] : low[u];
      for (int u = 0; u < width; ++u) high[u] = highs[u] > high[u] ? highs[u] : high[u];
      for (int u = 0; u < width; ++u) pixels[u] = static_cast<uint8_t>(pixels[u] + some[u]);
      for (int u = 0; u < width && std::abs(y - v) <= kEdgeAgain; ++u) t[u] |= along[u];
    }
    for (int u = 0; u < width; ++u) t[u] &= fewest > 0 ? pixels[u] >= fewest : high[u] - low[u] > spanPx;
  }
  void change(int u, int v) { changed_.view().at(u, v) = 1; }

 private:
  Image<float> low_, high_;
  Image<uint8_t> changed_, along_, pixels_;
  std::vector<float> rowLow_, rowHigh_;
  std::vector<uint8_t> rowPixels_;
};

// The largest disparity with which a row's pixels lie on each pixel of the secondary.
class Claims {
 public:
  Claims(int secWidth, int secOffset) : offset_(secOffset), of_(static_cast<size_t>(secWidth)) {}

  void read(const float* disparity, int width) {
    std::fill(of_.begin(), of_.end(), kNaN);
    for (int u = 0; u < width; ++u) {
      const int x = columnOf(u, disparity[u]);
      if (x >= 0 && !(of_[static_cast<size_t>(x)] >= disparity[u])) of_[static_cast<size_t>(x)] = disparity[u];
    }
  }
  bool isFree(int u, float d, float stepPx) const {
    const int x = columnOf(u, d);
    return x >= 0 && !(std::fabs(of_[static_cast<size_t>(x)] - d) > stepPx);
  }

 private:
  int columnOf(int u, float d) const {
    if (std::isnan(d)) return -1;
    const int x = u + static_cast<int>(std::floor(d + 0.5f)) + offset_;
    return x < static_cast<int>(of_.size()) ? x : -1;
  }
  int offset_;
  std::vector<float> of_;
};

}  // namespace

void sharpenEdgesReference(const RefineInput& in, const EdgeOptions& options, const DisparityViews& map) {
  const int width = map.disparity.width, height = map.disparity.height;
  // What is small is wrong or lost: it must not grow, neither beyond its edges nor, below, into holes.
  if (options.rounds > 0) removeSpeckles(map, options.specklePx / kSeedShare, options.stepPx);
  const Nearness nearness;
  const Padded ref(in.ref, in.refValid, kMargin);
  const Padded sec(in.sec, in.secValid, kMargin);
  const RadiometryMap radiometries(in, map.disparity);
  Padded before(width, height, kEdgeReach);
  const std::vector<Neighbour> neighbours = neighbourhood(before.stride());
  Candidates candidates(width, height);
  std::vector<uint8_t> wanted(static_cast<size_t>(width));
  Claims claims(in.sec.width, in.secOffset);
  for (int round = 0; round < options.rounds + options.fillRounds; ++round) {
    const bool filling = round >= options.rounds;
    if (round == options.rounds) {
      removeSpeckles(map, options.specklePx, options.stepPx);
      candidates.markAll();
    }
    before.copy(map.disparity);
    candidates.look(before);
    for (int v = 0; v < height; ++v) {
      candidates.readRow(v, filling ? options.fewestToFill : 0, 2 * options.stepPx, wanted);
      if (filling) claims.read(before.row(v), width);
      for (int u = 0; u < width; ++u) {
        const float own = before.row(v)[u];
        if (wanted[static_cast<size_t>(u)] == 0 || std::isnan(own) != filling) continue;
        if (filling && (map.validity.at(u, v) & ~kFillable) != 0) continue;
        const Radiometry& radiometry = radiometries.at(u, v);
        if (radiometry.perDeviation == 0) continue;
        const Surfaces surfaces = surfacesAround(before.row(v) + u, neighbours, options.stepPx);
        const int fewest = filling ? options.fewestToFill : options.fewest;
        const auto isWorth = [&](const Surface& s) {
          return s.pixels >= fewest && !(filling && !claims.isFree(u, s.disparity(), options.stepPx));
        };
        if (std::none_of(surfaces.of, surfaces.of + surfaces.count, isWorth)) continue;

        const Support support(ref, nearness, u, v, radiometry);
        const auto misfit = [&](float d) {
          const float whole = std::floor(d);
          const int x = u + static_cast<int>(whole) + in.secOffset;
          return x >= 0 && x < in.sec.width ? support.misfit(sec, x, v, d - whole) : kInfinity;
        };
        float least = filling ? options.acceptable : misfit(own) - options.advantage, best = own;
        for (int i = 0; i < surfaces.count; ++i) {
          if (!isWorth(surfaces.of[i])) continue;
          const float d = surfaces.of[i].disparity();
          const float with = misfit(d);
          if (with < least) least = with, best = d;
        }
        if (!(best != own) || std::isnan(best)) continue;
        map.disparity.at(u, v) = best;
        candidates.change(u, v);
        if (!filling) continue;
        map.validity.at(u, v) = kValid;
        map.confidence.at(u, v) = kLeastConfidence;
      }
    }
  }
}

}  // namespace altiplano
