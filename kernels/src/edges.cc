// SPDX-License-Identifier: Apache-2.0
#include "edges.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "arena.h"
#include "radiometry.h"
#include "speckle.h"
#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "edges.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// A vector pass finds the pixels to look at in the first round; later rounds look only where something changed. Each pixel's
// surroundings, 7 rows of 7 pixels, are then handled as one set of 56 bits, 8 a row, and its support as 5 rows of 8 lanes.
HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kAround = 2 * kEdgeReach + 1;  // rows of a pixel's surroundings, and of pixels in each
constexpr int kSide = 2 * kEdgeSupport + 1;
// Rows of surroundings and of supports are 8 wide, so that they fill vectors; what is too much is left out or weighs nothing.
constexpr int kLanes = 8;
static_assert(kAround < kLanes && kSide < kLanes);
constexpr int kMargin = kLanes;
constexpr int kMaxSurfaces = 6;
// Specks of fewer than specklePx / kSeedShare pixels aren't allowed to grow to specklePx in the first rounds.
constexpr int kSeedShare = 4;
constexpr float kMostDeviation = 2.5f;
constexpr float kLookAlike = 2.0f;  // deviations
// What may be filled: pixels whose true disparity was within reach.
constexpr uint16_t kFillable = kLeftRight | kAmbiguous | kSpeckle;

// At most 8 lanes: the same row takes one vector on some targets and two on others, with the same result.
using Row = hn::CappedTag<float, kLanes>;
using RowVector = hn::Vec<Row>;
inline int rowLanes() { return static_cast<int>(hn::Lanes(Row())); }

// A copy of an image with NaN where there are no data and for kMargin pixels on all sides, and for whole vectors on the right.
class Padded {
 public:
  static size_t bytes(int width, int height) { return Arena::bytesOf<float>(paddedWidth(width), height + 2 * kMargin); }
  Padded(Arena& arena, int width, int height) : image_(arena.image<float>(paddedWidth(width), height + 2 * kMargin)) {
    const int behind = image_.width - kMargin - width;
    for (int y = -kMargin; y < height + kMargin; ++y) {
      const bool isMargin = y < 0 || y >= height;
      std::fill_n(row(y) - kMargin, isMargin ? image_.width : kMargin, kNaN);
      if (!isMargin) std::fill_n(row(y) + width, behind, kNaN);
    }
  }
  Padded(Arena& arena, ImageView<const float> from, ImageView<const uint8_t> valid) : Padded(arena, from.width, from.height) {
    for (int v = 0; v < from.height; ++v) {
      const float* f = from.row(v);
      const uint8_t* known = valid.row(v);
      float* to = row(v);
      for (int u = 0; u < from.width; ++u) to[u] = known[u] != 0 ? f[u] : kNaN;
    }
  }
  void copy(ImageView<const float> from) {
    for (int v = 0; v < from.height; ++v) std::copy_n(from.row(v), from.width, row(v));
  }
  // Row v; rows and columns from -kMargin on may be read.
  float* row(int v) const { return image_.row(v + kMargin) + kMargin; }

 private:
  static int paddedWidth(int width) { return width + 2 * kMargin + static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  ImageView<float> image_;
};

// A set of pixels around one: bit 8 j + i is the pixel i - kEdgeReach columns and j - kEdgeReach rows away.
using PixelSet = uint64_t;

// The pixels at each distance, nearest first, and the pixels' weights.
struct Rings {
  static constexpr int kMost = kEdgeReach * kEdgeReach * 2;
  PixelSet at[kMost + 1] = {};
  float weight[kAround][kLanes] = {};
  Rings() {
    PixelSet ofSquare[kMost + 1] = {};
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kAround; ++i) {
        const int du = i - kEdgeReach, dv = j - kEdgeReach, square = du * du + dv * dv;
        if (square == 0) continue;  // not around itself
        ofSquare[square] |= PixelSet{1} << (kLanes * j + i);
        const float near = 1.0f / (static_cast<float>(square) + 0.5f);
        weight[j][i] = near * near;
      }
    }
    std::copy_if(ofSquare, ofSquare + kMost + 1, at, [](PixelSet pixels) { return pixels != 0; });
  }
};

// Pixels of like disparity: `first` is the nearest one's, the others lie within stepPx of it.
struct Surface {
  PixelSet pixels;
  float first, low, high;
};

struct Surfaces {
  Surface of[kMaxSurfaces];
  int count = 0;
};

// The disparities around a pixel.
class Surroundings {
 public:
  // before: the map; (u, v): the pixel.
  Surroundings(const Padded& before, int u, int v) {
    for (int j = 0; j < kAround; ++j) from_[j] = before.row(v + j - kEdgeReach) + u - kEdgeReach;
  }

  // Those further than step from `value`, or within step of it. NaN is neither.
  PixelSet beyond(float value, float step) const {
    return select([=](RowVector d) HWY_ATTR { return hn::Gt(distance(d, value), hn::Set(Row(), step)); });
  }
  PixelSet within(float value, float step) const {
    return select([=](RowVector d) HWY_ATTR { return hn::Le(distance(d, value), hn::Set(Row(), step)); });
  }

  // Widens low and high to the least and greatest of some pixels.
  void limits(PixelSet pixels, float& low, float& high) const {
    const Row d;
    auto least = hn::Set(d, low), most = hn::Set(d, high);
    const int lanes = rowLanes();
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kLanes; i += lanes) {
        const auto chosen = maskOf(pixels, j, i);
        const auto value = hn::LoadU(d, from_[j] + i);
        least = hn::Min(least, hn::IfThenElse(chosen, value, least));
        most = hn::Max(most, hn::IfThenElse(chosen, value, most));
      }
    }
    low = hn::GetLane(hn::MinOfLanes(d, least));
    high = hn::GetLane(hn::MaxOfLanes(d, most));
  }

  // The mean of some pixels by nearness, one of which is `first`. Sums run down columns, then along these.
  float mean(PixelSet pixels, float first, const Rings& rings) const {
    const Row d;
    float weights[kLanes], shifts[kLanes];
    const int lanes = rowLanes();
    for (int i = 0; i < kLanes; i += lanes) {
      auto weight = hn::Zero(d), shift = weight;
      for (int j = 0; j < kAround; ++j) {
        const auto chosen = maskOf(pixels, j, i);
        const auto w = hn::IfThenElseZero(chosen, hn::LoadU(d, rings.weight[j] + i));
        const auto from = hn::IfThenElseZero(chosen, hn::Sub(hn::LoadU(d, from_[j] + i), hn::Set(d, first)));
        weight = hn::Add(weight, w);
        shift = hn::Add(shift, hn::Mul(w, from));
      }
      hn::StoreU(weight, d, weights + i);
      hn::StoreU(shift, d, shifts + i);
    }
    float weight = 0, shift = 0;
    for (int i = 0; i < kAround; ++i) weight += weights[i], shift += shifts[i];
    return first + shift / weight;
  }
  float at(int bit) const { return from_[bit / kLanes][bit % kLanes]; }

 private:
  // Which lanes of row j from column i on are in the set.
  static hn::Mask<Row> maskOf(PixelSet pixels, int j, int i) {
    const uint8_t bits[8] = {static_cast<uint8_t>((pixels >> (kLanes * j + i)) & 0xff)};
    return hn::LoadMaskBits(Row(), bits);
  }
  static RowVector distance(RowVector d, float value) { return hn::Abs(hn::Sub(d, hn::Set(Row(), value))); }

  template <class Test>
  PixelSet select(Test test) const {
    PixelSet all = 0;
    const int lanes = rowLanes();
    for (int j = 0; j < kAround; ++j) {
      for (int i = 0; i < kLanes; i += lanes) {
        uint8_t bits[8] = {};
        hn::StoreMaskBits(Row(), test(hn::LoadU(Row(), from_[j] + i)), bits);
        all |= PixelSet{bits[0]} << (kLanes * j + i);
      }
    }
    return all & kInside;
  }
  // All columns but the last.
  static constexpr PixelSet kInside = 0x007f7f7f7f7f7f7f;
  const float* from_[kAround];
};

// The nearest of some pixels, the first row's first of equally near.
inline int nearest(PixelSet pixels, const Rings& rings) {
  int i = 0;
  while ((pixels & rings.at[i]) == 0) ++i;
  return std::countr_zero(pixels & rings.at[i]);
}

// The surfaces around a pixel of disparity `own` (NaN: a hole) other than its own: what is connected to it by steps of at most
// stepPx, as on a slope, is its own too. Of more than kMaxSurfaces the farthest are left out. None where none can have `fewest`
// pixels, or where a pixel's surroundings span no more than two steps.
Surfaces surfacesAround(const Surroundings& around, float own, const Rings& rings, int fewest, float stepPx) {
  Surfaces found;
  const bool hole = std::isnan(own);
  PixelSet others = around.beyond(hole ? kInfinity : own, stepPx);
  if (std::popcount(others) < fewest) return found;
  while (others != 0 && found.count < kMaxSurfaces) {
    Surface& s = found.of[found.count++];
    s.first = around.at(nearest(others, rings));
    s.pixels = others & around.within(s.first, stepPx);
    others &= ~s.pixels;
  }
  if (hole) return found;
  const auto isLarge = [&](const Surface& s) { return std::popcount(s.pixels) >= fewest; };
  if (std::none_of(found.of, found.of + found.count, isLarge)) {
    found.count = 0;
    return found;
  }
  // Far from its own, they need no comparing: both reach at most one step, and another lies between them.
  const auto isFar = [&](const Surface& s) { return std::fabs(s.first - own) > 4 * stepPx; };
  if (std::all_of(found.of, found.of + found.count, isFar)) return found;
  float low = own, high = own;
  around.limits(around.within(own, stepPx), low, high);
  float least = low, most = high;
  for (int i = 0; i < found.count; ++i) {
    Surface& s = found.of[i];
    s.low = s.high = s.first;
    around.limits(s.pixels, s.low, s.high);
    least = std::min(least, s.low);
    most = std::max(most, s.high);
  }
  if (others != 0) around.limits(others, least, most);
  if (!(most - least > 2 * stepPx)) {
    found.count = 0;
    return found;
  }
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
  Support(const Padded& ref, const Nearness& nearness, int u, int v, const Radiometry& radiometry) : radiometry_(radiometry) {
    const Row d;
    const auto centre = hn::Set(d, ref.row(v)[u]), scale = hn::Set(d, radiometry.perDeviation / kLookAlike);
    const auto one = hn::Set(d, 1.0f), bias = hn::Set(d, radiometry.bias);
    const int lanes = rowLanes();
    for (int j = 0; j < kSide; ++j) {
      const float* from = ref.row(v + j - kEdgeSupport) + u - kEdgeSupport;
      for (int i = 0; i < kLanes; i += lanes) {
        const auto grey = hn::LoadU(d, from + i), unlike = hn::Mul(hn::Sub(grey, centre), scale);
        const auto y = hn::Add(one, hn::Mul(unlike, unlike));
        const auto w = hn::Div(hn::LoadU(d, nearness.of[j] + i), hn::Mul(y, y));
        hn::StoreU(hn::Sub(grey, bias), d, grey_[j] + i);
        hn::StoreU(hn::IfThenElseZero(hn::Eq(w, w), w), d, weight_[j] + i);  // missing: NaN
      }
    }
  }

  // E(p, d) of the header, of the match with column x + t, 0 <= t < 1, of the secondary's row v.
  float misfit(const Padded& sec, int x, int v, float t) const {
    const Row d;
    const float s = 1 - t;
    // Cubic interpolation (Keys, 1981).
    const auto t0 = hn::Set(d, -0.5f * t * s * s), t1 = hn::Set(d, 1 - t * t * (2.5f - 1.5f * t));
    const auto t2 = hn::Set(d, 1 - s * s * (2.5f - 1.5f * s)), t3 = hn::Set(d, -0.5f * s * t * t);
    const auto gain = hn::Set(d, radiometry_.gain), perDeviation = hn::Set(d, radiometry_.perDeviation);
    const auto most = hn::Set(d, kMostDeviation);
    float sums[kLanes], weights[kLanes];
    const int lanes = rowLanes();
    for (int i = 0; i < kLanes; i += lanes) {
      auto sum = hn::Zero(d), weight = sum;
      for (int j = 0; j < kSide; ++j) {
        const float* from = sec.row(v + j - kEdgeSupport) + x - kEdgeSupport - 1 + i;
        const auto first = hn::Add(hn::Mul(t0, hn::LoadU(d, from)), hn::Mul(t1, hn::LoadU(d, from + 1)));
        const auto value = hn::Add(hn::Add(first, hn::Mul(t2, hn::LoadU(d, from + 2))), hn::Mul(t3, hn::LoadU(d, from + 3)));
        const auto difference = hn::Sub(hn::LoadU(d, grey_[j] + i), hn::Mul(gain, value));
        const auto deviation = hn::Mul(hn::Abs(difference), perDeviation);
        const auto w = hn::IfThenElseZero(hn::Eq(deviation, deviation), hn::LoadU(d, weight_[j] + i));
        // A missing deviation, NaN, counts as the most.
        const auto held = hn::IfThenElse(hn::Lt(deviation, most), deviation, most);
        sum = hn::Add(sum, hn::Mul(w, held));
        weight = hn::Add(weight, w);
      }
      hn::StoreU(sum, d, sums + i);
      hn::StoreU(weight, d, weights + i);
    }
    float sum = 0, weight = 0;
    for (int i = 0; i < kSide; ++i) sum += sums[i], weight += weights[i];
    return weight > 0 ? sum / weight : kInfinity;
  }

 private:
  Radiometry radiometry_;
  float grey_[kSide][kLanes], weight_[kSide][kLanes];
};

// Finds a map's pixels whose surroundings span more than two steps, row by row from the first.
class EdgeFinder {
 public:
  EdgeFinder(const Padded& map, int width, int height)
      : map_(map), width_(width), height_(height), lows_(width + 2 * kMargin + lanes(), kAround + 1), highs_(lows_.width(), kAround + 1) {
    for (int v = -kEdgeReach; v < kEdgeReach; ++v) readRow(v);
  }

  // Adds row v's to `columns`; to be called for v = 0, 1, 2 ...
  void findInRow(int v, float spanPx, std::vector<int>& columns) {
    readRow(v + kEdgeReach);
    const hn::ScalableTag<float> df;
    const float* own = map_.row(v);
    for (int u = 0; u < width_; u += lanes()) {
      auto low = hn::Set(df, kInfinity), high = hn::Set(df, -kInfinity);
      for (int y = v - kEdgeReach; y <= v + kEdgeReach; ++y) {
        low = hn::Min(low, hn::LoadU(df, rowOf(lows_, y) + u));
        high = hn::Max(high, hn::LoadU(df, rowOf(highs_, y) + u));
      }
      const auto d = hn::LoadU(df, own + u);
      const auto wanted = hn::And(hn::Gt(hn::Sub(high, low), hn::Set(df, spanPx)), hn::Eq(d, d));
      if (hn::AllFalse(df, wanted)) continue;
      uint8_t bits[HWY_MAX_BYTES / 8] = {};
      hn::StoreMaskBits(df, wanted, bits);
      for (int i = 0; i < lanes() && u + i < width_; ++i) {
        if ((bits[i / 8] >> (i % 8) & 1) != 0) columns.push_back(u + i);
      }
    }
  }

 private:
  static int lanes() { return static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  static float* rowOf(Image<float>& rows, int v) { return rows.view().row((v + kAround + 1) % (kAround + 1)) + kMargin; }

  // The least and greatest of kAround pixels of a row about each.
  void readRow(int v) {
    const hn::ScalableTag<float> df;
    const auto infinity = hn::Set(df, kInfinity), minusInfinity = hn::Set(df, -kInfinity);
    const bool exists = v >= 0 && v < height_;
    float *lows = rowOf(lows_, v), *highs = rowOf(highs_, v);
    for (int u = 0; u < width_; u += lanes()) {
      auto low = infinity, high = minusInfinity;
      for (int du = -kEdgeReach; exists && du <= kEdgeReach; ++du) {
        const auto d = hn::LoadU(df, map_.row(v) + u + du);
        const auto known = hn::Eq(d, d);
        low = hn::Min(low, hn::IfThenElse(known, d, infinity));
        high = hn::Max(high, hn::IfThenElse(known, d, minusInfinity));
      }
      hn::StoreU(low, df, lows + u);
      hn::StoreU(high, df, highs + u);
    }
  }

  const Padded& map_;
  int width_, height_;
  Image<float> lows_, highs_;
};

// A new disparity of a pixel.
struct Change {
  int u, v;
  float disparity;
};

// The pixels within kEdgeAgain of what changed.
class Marks {
 public:
  explicit Marks(ImageView<uint8_t> of) : of_(of) {}
  void set(const std::vector<Change>& changes) {
    for (int v = 0; v < of_.height; ++v) std::fill_n(of_.row(v), of_.width, uint8_t{0});
    for (const Change& c : changes) {
      const int first = std::max(0, c.u - kEdgeAgain), last = std::min(of_.width - 1, c.u + kEdgeAgain);
      for (int y = std::max(0, c.v - kEdgeAgain); y <= std::min(of_.height - 1, c.v + kEdgeAgain); ++y) {
        std::fill_n(of_.row(y) + first, last - first + 1, uint8_t{1});
      }
    }
  }
  void findInRow(int v, std::vector<int>& columns) const {
    const uint8_t* row = of_.row(v);
    const int width = of_.width;
    for (int u = 0; u < width;) {
      const void* next = std::memchr(row + u, 1, static_cast<size_t>(width - u));
      if (next == nullptr) return;
      for (u = static_cast<int>(static_cast<const uint8_t*>(next) - row); u < width && row[u] != 0; ++u) columns.push_back(u);
    }
  }

 private:
  ImageView<uint8_t> of_;
};

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

size_t edgesBytesSimd(int width, int height, int secWidth) {
  return 2 * Padded::bytes(width, height) + Padded::bytes(secWidth, height) + Arena::bytesOf<uint8_t>(width, height);
}

void sharpenEdgesSimd(const RefineInput& in, const EdgeOptions& options, const DisparityViews& map, BigBuffer& memory) {
  const int width = map.disparity.width, height = map.disparity.height;
  // What is small is wrong or lost: it must not grow, neither beyond its edges nor, below, into holes.
  if (options.rounds > 0) removeSpeckles(map, options.specklePx / kSeedShare, options.stepPx);
  const Nearness nearness;
  const Rings rings;
  Arena arena(memory, edgesBytesSimd(width, height, in.sec.width));
  const Padded ref(arena, in.ref, in.refValid), sec(arena, in.sec, in.secValid);
  const RadiometryMap radiometries(in, map.disparity);
  Padded before(arena, width, height);
  before.copy(map.disparity);
  Marks marks(arena.image<uint8_t>(width, height));
  Claims claims(in.secOffset, in.sec.width);
  std::vector<int> columns;
  std::vector<Change> changes;
  for (int round = 0; round < options.rounds + options.fillRounds; ++round) {
    const bool filling = round >= options.rounds, isFirst = round == 0 || round == options.rounds;
    if (round == options.rounds) {
      removeSpeckles(map, options.specklePx, options.stepPx);
      before.copy(map.disparity);
    }
    if (!isFirst) marks.set(changes);
    changes.clear();
    claims.forget();
    EdgeFinder finder(before, width, height);
    const int fewest = filling ? options.fewestToFill : options.fewest;
    for (int v = 0; v < height; ++v) {
      const float* here = before.row(v);
      columns.clear();
      if (!isFirst) {
        marks.findInRow(v, columns);
      } else if (!filling) {
        finder.findInRow(v, 2 * options.stepPx, columns);
      } else {
        for (int u = 0; u < width; ++u) {
          if (std::isnan(here[u])) columns.push_back(u);
        }
      }
      for (const int u : columns) {
        const float own = here[u];
        if (std::isnan(own) != filling) continue;
        if (filling && (map.validity.at(u, v) & ~kFillable) != 0) continue;
        const Radiometry& radiometry = radiometries.at(u, v);
        if (radiometry.perDeviation == 0) continue;
        const Surroundings around(before, u, v);
        const Surfaces surfaces = surfacesAround(around, own, rings, fewest, options.stepPx);
        float disparities[kMaxSurfaces];
        int count = 0;
        for (int i = 0; i < surfaces.count; ++i) {
          if (std::popcount(surfaces.of[i].pixels) < fewest) continue;
          const float d = around.mean(surfaces.of[i].pixels, surfaces.of[i].first, rings);
          if (filling) claims.read(here, width);
          if (!filling || claims.isFree(u, d, options.stepPx)) disparities[count++] = d;
        }
        if (count == 0) continue;

        const Support support(ref, nearness, u, v, radiometry);
        const auto misfit = [&](float d) {
          const float whole = std::floor(d);
          const int x = u + static_cast<int>(whole) + in.secOffset;
          return x >= 0 && x < in.sec.width ? support.misfit(sec, x, v, d - whole) : kInfinity;
        };
        float least = filling ? options.acceptable : misfit(own) - options.advantage, best = own;
        for (int i = 0; i < count; ++i) {
          const float with = misfit(disparities[i]);
          if (with < least) least = with, best = disparities[i];
        }
        if (best != own && !std::isnan(best)) changes.push_back({u, v, best});
      }
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
