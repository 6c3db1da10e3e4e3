// SPDX-License-Identifier: Apache-2.0
#include "edges.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "arena.h"
#include "radiometry.h"
#include "speckle.h"
#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "edges.cc"
#include <hwy/foreach_target.h>
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "edges_candidates_inl.h"
#include "edges_planes_inl.h"
#include "edges_support_inl.h"
#include "edges_surfaces_inl.h"

// A vector pass finds the pixels to look at in the first round; later rounds look only where something changed. Each pixel's
// surroundings, 7 rows of 7 pixels, are then handled as one set of 56 bits, 8 a row, and its support as 5 rows of 8 lanes.
// A row's pixels take each step together, so that the processor works on several of them at once instead of waiting
// for what becomes of one.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Specks of fewer than specklePx / kSeedShare pixels aren't allowed to grow to specklePx in the first rounds.
constexpr int kSeedShare = 4;
// What may not be filled: all but pixels whose true disparity was within reach.
constexpr uint16_t kUnfillable = static_cast<uint16_t>(~(kLeftRight | kAmbiguous | kSpeckle));

// Which pixels of the secondary a row's pixels lie on.
class Claims {
 public:
  explicit Claims(int secOffset, int secWidth) : offset_(secOffset), secWidth_(secWidth) {}

  // disparity: with a vector's margin behind.
  void read(const float* disparity, int width) {
    if (disparity == row_) return;
    row_ = disparity;
    width_ = width;
    const hn::ScalableTag<float> df;
    auto low = hn::Set(df, kInfinity), high = hn::Set(df, -kInfinity);
    for (int u = 0; u < width; u += static_cast<int>(hn::Lanes(df))) {
      const auto d = hn::LoadU(df, disparity + u);
      const auto known = hn::Eq(d, d);
      low = hn::Min(low, hn::IfThenElse(known, d, low));
      high = hn::Max(high, hn::IfThenElse(known, d, high));
    }
    low_ = hn::GetLane(hn::MinOfLanes(df, low));
    high_ = hn::GetLane(hn::MaxOfLanes(df, high));
  }
  void forget() { row_ = nullptr; }

  // Whether of the pixels on the secondary's pixel that (u, d) would lie on, the one of the largest disparity (there may be
  // none) is within a step of d.
  bool isFree(int u, float d, float stepPx) const {
    const int match = u + static_cast<int>(std::floor(d + 0.5f));
    if (match + offset_ < 0 || match + offset_ >= secWidth_) return false;
    if (!(low_ <= high_)) return true;
    const hn::ScalableTag<float> df;
    const int first = std::max(0, match - static_cast<int>(std::floor(high_ + 0.5f)));
    const int last = std::min(width_ - 1, match - static_cast<int>(std::floor(low_ + 0.5f)));
    const auto half = hn::Set(df, 0.5f), none = hn::Set(df, -kInfinity);
    auto most = none;
    for (int x = first; x <= last; x += static_cast<int>(hn::Lanes(df))) {
      const auto there = hn::LoadU(df, row_ + x);
      const auto landing = hn::Add(hn::Iota(df, static_cast<float>(x)), hn::Floor(hn::Add(there, half)));
      most = hn::Max(most, hn::IfThenElse(hn::Eq(landing, hn::Set(df, static_cast<float>(match))), there, none));
    }
    const float largest = hn::GetLane(hn::MaxOfLanes(df, most));
    return largest == -kInfinity || !(std::fabs(largest - d) > stepPx);
  }

 private:
  int offset_, secWidth_, width_ = 0;
  const float* row_ = nullptr;
  float low_ = 0, high_ = 0;
};

// What doesn't change over the rounds.
struct Images {
  const Padded &ref, &sec;
  int secOffset, secWidth;
  const RadiometryMap& radiometries;
};

// One round over one row at a time.
class RowJudge {
 public:
  RowJudge(const Images& images, const EdgeOptions& options, bool filling, int width)
      : images_(images), options_(options), filling_(filling), fewest_(std::max(1, filling ? options.fewestToFill : options.fewest)),
        width_(width), claims_(images.secOffset, images.secWidth), surfaces_(filling, fewest_, options.stepPx, width),
        pixels_(static_cast<size_t>(width) + 1) {}

  // Adds the changes of row v's pixels in `columns`.
  void judge(const Padded& map, int v, const Columns& columns, std::vector<Change>& changes) {
    claims_.forget();
    findPixels(map, v, columns);
    surfaces_.find(map, v, pixels_.data(), pixelCount_);
    findMatches(map, v);
    findPlaces(v);
    decide(v, changes);
  }

 private:
  // The mean of a surface, which a pixel may have instead of its own disparity.
  struct Match {
    int pixel;  // in pixels_
    float first, disparity;
    PixelSet surface;
  };

  void findPixels(const Padded& map, int v, const Columns& columns) {
    const float* here = map.row(v);
    const Radiometry* radiometries = &images_.radiometries.at(0, v);
    pixelCount_ = 0;
    for (const int u : columns) {
      // The next row's surroundings, of which this row's lack one row only.
      hwy::Prefetch(map.row(v + 1 + kEdgeReach) + u);
      const float own = here[u];
      const PixelSet others = Surroundings(map, u, v).beyond(filling_ ? kInfinity : own, options_.stepPx);
      const bool isNear = std::popcount(others) >= fewest_ && std::isnan(own) == filling_;
      EdgePixel& p = pixels_[pixelCount_];
      p.u = u, p.own = own, p.others = p.rest = others, p.count = 0, p.anyLarge = false;
      hwy::Prefetch(images_.ref.row(v + kEdgeSupport) + u);
      pixelCount_ += isNear && radiometries[static_cast<unsigned>(u) / kRadiometryBlock].perDeviation != 0 ? 1 : 0;
    }
  }

  // The means of the pixels' large surfaces, where they are free.
  void findMatches(const Padded& map, int v) {
    matches_.clear();
    for (size_t i = 0; i < pixelCount_; ++i) {
      const EdgePixel& p = pixels_[i];
      for (int k = 0; k < p.count; ++k) {
        const Surface& s = p.surfaces[k];
        if (s.isLarge(fewest_)) matches_.push_back({static_cast<int>(i), s.first, 0, s.pixels});
      }
    }
    for (Match& m : matches_) {
      const EdgePixel& p = pixels_[static_cast<size_t>(m.pixel)];
      m.disparity = Surroundings(map, p.u, v).mean(m.surface, m.first, rings_);
    }
    if (!filling_ || matches_.empty()) return;
    claims_.read(map.row(v), width_);
    std::erase_if(matches_, [&](const Match& m) {
      return !claims_.isFree(pixels_[static_cast<size_t>(m.pixel)].u, m.disparity, options_.stepPx);
    });
  }

  // Where each pixel with matches lies with its own disparity, unless it is a hole, and with those.
  void findPlaces(int v) {
    places_.clear();
    for (size_t i = 0; i < matches_.size(); ++i) {
      const EdgePixel& p = pixels_[static_cast<size_t>(matches_[i].pixel)];
      const bool isFirst = i == 0 || matches_[i - 1].pixel != matches_[i].pixel;
      if (isFirst && !filling_) places_.add(p.u, p.own);
      places_.add(p.u, matches_[i].disparity);
    }
    places_.find(images_.sec, images_.secOffset, images_.secWidth, v);
  }

  // Adds the changes to the best fitting matches.
  void decide(int v, std::vector<Change>& changes) const {
    size_t place = 0;
    for (size_t i = 0; i < matches_.size();) {
      const int pixel = matches_[i].pixel;
      const EdgePixel& p = pixels_[static_cast<size_t>(pixel)];
      const Support support(images_.ref, nearness_, p.u, v, images_.radiometries.at(p.u, v));
      const auto misfit = [&]() HWY_ATTR { return support.misfit(images_.sec, v, places_, place++); };
      float least = filling_ ? options_.acceptable : misfit() - options_.advantage, best = p.own;
      for (; i < matches_.size() && matches_[i].pixel == pixel; ++i) {
        const float with = misfit();
        const bool isBetter = with < least;
        least = isBetter ? with : least;
        best = isBetter ? matches_[i].disparity : best;
      }
      if (best != p.own && !std::isnan(best)) changes.push_back({p.u, v, best});
    }
  }

  const Images& images_;
  const EdgeOptions& options_;
  bool filling_;
  int fewest_, width_;
  Claims claims_;
  Nearness nearness_;
  Rings rings_;
  SurfaceFinder surfaces_;
  size_t pixelCount_ = 0;
  std::vector<EdgePixel> pixels_;
  std::vector<Match> matches_;
  Places places_;
};

size_t edgesBytesSimd(int width, int height, int secWidth) {
  return 2 * Padded::bytes(width, height) + Padded::bytes(secWidth, height) + Arena::bytesOf<uint8_t>(width, height);
}

void sharpenEdgesSimd(const RefineInput& in, const EdgeOptions& options, const DisparityViews& map, BigBuffer& memory) {
  const int width = map.disparity.width, height = map.disparity.height;
  // What is small is wrong or lost: it must not grow, neither beyond its edges nor, below, into holes.
  if (options.rounds > 0) removeSpeckles(map, options.specklePx / kSeedShare, options.stepPx);
  Arena arena(memory, edgesBytesSimd(width, height, in.sec.width));
  const Padded ref(arena, in.ref, in.refValid), sec(arena, in.sec, in.secValid);
  const RadiometryMap radiometries(in, map.disparity);
  const Images images{ref, sec, in.secOffset, in.sec.width, radiometries};
  Padded before(arena, width, height);
  before.copy(map.disparity);
  Marks marks(arena.image<uint8_t>(width, height));
  Columns columns(width);
  std::vector<Change> changes;
  for (int round = 0; round < options.rounds + options.fillRounds; ++round) {
    const bool filling = round >= options.rounds, isFirst = round == 0 || round == options.rounds;
    if (round == options.rounds) {
      removeSpeckles(map, options.specklePx, options.stepPx);
      before.copy(map.disparity);
    }
    if (!isFirst) marks.set(changes);
    changes.clear();
    EdgeFinder edges(before, width, height);
    HoleFinder holes(before, width, options.fewestToFill);
    RowJudge judge(images, options, filling, width);
    for (int v = 0; v < height; ++v) {
      columns.clear();
      if (filling) holes.findInRow(v, map.validity.row(v), kUnfillable, isFirst ? nullptr : marks.row(v), columns);
      else if (isFirst) edges.findInRow(v, 2 * options.stepPx, columns);
      else marks.findInRow(v, columns);
      judge.judge(before, v, columns, changes);
    }
    for (const auto& [u, v, disparity] : changes) {
      before.row(v)[u] = map.disparity.at(u, v) = disparity;
      if (!filling) continue;
      map.validity.at(u, v) = kValid;
      map.confidence.at(u, v) = kLeastConfidence;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(sharpenEdgesSimd);
HWY_EXPORT(edgesBytesSimd);

void sharpenEdges(const RefineInput& input, const EdgeOptions& options, const DisparityViews& map, BigBuffer& memory) {
  HWY_DYNAMIC_DISPATCH(sharpenEdgesSimd)(input, options, map, memory);
}

size_t edgesBytes(int width, int height, int secWidth) { return HWY_DYNAMIC_DISPATCH(edgesBytesSimd)(width, height, secWidth); }
}  // namespace altiplano
#endif
