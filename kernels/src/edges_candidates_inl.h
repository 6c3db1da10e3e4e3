// SPDX-License-Identifier: Apache-2.0
// Part of edges.cc, which includes it behind Highway, once per target: which pixels of a row a round looks at.
#if defined(ALTIPLANO_KERNELS_EDGES_CANDIDATES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_EDGES_CANDIDATES_INL_H_
#undef ALTIPLANO_KERNELS_EDGES_CANDIDATES_INL_H_
#else
#define ALTIPLANO_KERNELS_EDGES_CANDIDATES_INL_H_
#endif

#include <algorithm>
#include <cstring>
#include <vector>

#include "edges.h"
#include "edges_planes_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns of a row, with room for all of them and a vector more.
class Columns {
 public:
  explicit Columns(int width) : of_(static_cast<size_t>(width) + hn::Lanes(hn::ScalableTag<int32_t>())) {}
  void clear() { count_ = 0; }
  void add(int u, bool isWanted) {
    of_[count_] = u;
    count_ += isWanted ? 1 : 0;
  }
  // Of the columns from u on those in the mask.
  template <class M>
  void addVector(int u, M wanted) {
    const hn::ScalableTag<int32_t> d;
    hn::StoreU(hn::Compress(hn::Iota(d, u), hn::RebindMask(d, wanted)), d, of_.data() + count_);
    count_ += hn::CountTrue(d, hn::RebindMask(d, wanted));
  }
  const int32_t* begin() const { return of_.data(); }
  const int32_t* end() const { return of_.data() + count_; }

 private:
  std::vector<int32_t> of_;
  size_t count_ = 0;
};

// Finds a map's holes that have enough pixels around them, row by row from the first.
class HoleFinder {
 public:
  HoleFinder(const Padded& map, int width, int fewest)
      : map_(map), width_(width), fewest_(fewest), known_(width + 2 * kMargin + lanes(), 1), found_(width + lanes()) {
    for (int v = -kEdgeReach; v < kEdgeReach; ++v) count(v);
  }

  // Adds row v's whose validity has none of the bits `unfillable` to `columns`; to be called for v = 0, 1, 2 ...
  // marks: where not null, only those that are marked.
  void findInRow(int v, const uint16_t* validity, uint16_t unfillable, const uint8_t* marks, Columns& columns) {
    count(v + kEdgeReach);
    found_.clear();
    const hn::ScalableTag<float> df;
    const auto fewest = hn::Set(df, static_cast<float>(fewest_));
    const float *disparity = map_.row(v), *known = known_.view().row(0) + kMargin;
    for (int u = 0; u < width_; u += lanes()) {
      const auto d = hn::LoadU(df, disparity + u);
      auto wanted = hn::IsNaN(d);
      if (hn::AllFalse(df, wanted)) continue;
      auto sum = hn::LoadU(df, known + u - kEdgeReach);
      for (int du = 1 - kEdgeReach; du <= kEdgeReach; ++du) sum = hn::Add(sum, hn::LoadU(df, known + u + du));
      wanted = hn::And(wanted, hn::Ge(sum, fewest));
      if (!hn::AllFalse(df, wanted)) found_.addVector(u, wanted);
    }
    for (const int u : found_) {
      if (u < width_) columns.add(u, (validity[u] & unfillable) == 0 && (marks == nullptr || marks[u] != 0));
    }
  }

 private:
  static int lanes() { return static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }

  // Moves each column's number of pixels on to the 7 rows up to v.
  void count(int v) {
    const hn::ScalableTag<float> df;
    const auto one = hn::Set(df, 1.0f);
    const float *next = map_.row(v), *last = map_.row(std::max(-kMargin, v - 2 * kEdgeReach - 1));
    float* known = known_.view().row(0) + kMargin;
    for (int u = 0; u < width_; u += lanes()) {
      const auto d = hn::LoadU(df, next + u), gone = hn::LoadU(df, last + u);
      const auto come = hn::IfThenElseZero(hn::Eq(d, d), one), went = hn::IfThenElseZero(hn::Eq(gone, gone), one);
      hn::StoreU(hn::Add(hn::LoadU(df, known + u), hn::Sub(come, went)), df, known + u);
    }
  }

  const Padded& map_;
  int width_, fewest_;
  Image<float> known_;  // in 7 rows of each column
  Columns found_;
};

// Finds a map's pixels whose surroundings span more than two steps, row by row from the first.
class EdgeFinder {
 public:
  EdgeFinder(const Padded& map, int width, int height)
      : map_(map), width_(width), height_(height), lows_(width + 2 * kMargin + lanes(), kRows), highs_(lows_.width(), kRows) {
    for (int v = -kEdgeReach; v < kEdgeReach; ++v) readRow(v);
  }

  // Adds row v's to `columns`; to be called for v = 0, 1, 2 ...
  void findInRow(int v, float spanPx, Columns& columns) {
    readRow(v + kEdgeReach);
    const hn::ScalableTag<float> df;
    const float* own = map_.row(v);
    for (int u = 0; u < width_; u += lanes()) {
      const auto d = hn::LoadU(df, own + u);
      const auto known = hn::Eq(d, d);
      if (hn::AllFalse(df, known)) continue;
      auto low = hn::Set(df, kInfinity), high = hn::Set(df, -kInfinity);
      for (int y = v - kEdgeReach; y <= v + kEdgeReach; ++y) {
        low = hn::Min(low, hn::LoadU(df, rowOf(lows_, y) + u));
        high = hn::Max(high, hn::LoadU(df, rowOf(highs_, y) + u));
      }
      const auto wanted = hn::And(hn::Gt(hn::Sub(high, low), hn::Set(df, spanPx)), known);
      if (!hn::AllFalse(df, wanted)) columns.addVector(u, wanted);
    }
  }

 private:
  static constexpr int kRows = 2 * kEdgeReach + 2;  // a power of two
  static int lanes() { return static_cast<int>(hn::Lanes(hn::ScalableTag<float>())); }
  static float* rowOf(Image<float>& rows, int v) { return rows.view().row((v + kRows) % kRows) + kMargin; }

  // The least and greatest of the pixels of a row within kEdgeReach of each.
  void readRow(int v) {
    const hn::ScalableTag<float> df;
    const auto infinity = hn::Set(df, kInfinity), minusInfinity = hn::Set(df, -kInfinity);
    const bool exists = v >= 0 && v < height_;
    float *lows = rowOf(lows_, v), *highs = rowOf(highs_, v);
    const float* from = map_.row(v);
    for (int u = 0; u < width_; u += lanes()) {
      auto low = infinity, high = minusInfinity;
      if (exists) {
        for (int du = -kEdgeReach; du <= kEdgeReach; ++du) {
          const auto d = hn::LoadU(df, from + u + du);
          const auto known = hn::Eq(d, d);
          low = hn::Min(low, hn::IfThenElse(known, d, infinity));
          high = hn::Max(high, hn::IfThenElse(known, d, minusInfinity));
        }
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
  const uint8_t* row(int v) const { return of_.row(v); }
  void findInRow(int v, Columns& columns) const {
    const uint8_t* row = of_.row(v);
    const int width = of_.width;
    for (int u = 0; u < width;) {
      const void* next = std::memchr(row + u, 1, static_cast<size_t>(width - u));
      if (next == nullptr) return;
      for (u = static_cast<int>(static_cast<const uint8_t*>(next) - row); u < width && row[u] != 0; ++u) columns.add(u, true);
    }
  }

 private:
  ImageView<uint8_t> of_;
};

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
