// SPDX-License-Identifier: Apache-2.0
#include "speckle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "validity.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "speckle.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bit u of `bits`: whether d[u] and other[u] are connected, both being valid.
void findLinks(const float* d, const uint16_t* validity, const float* other, const uint16_t* otherValidity, int width, float stepPx,
               uint64_t* bits) {
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const hn::Rebind<uint16_t, decltype(df)> dh;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto step = hn::Set(df, stepPx);
  std::fill_n(bits, width / 64 + 1, uint64_t{0});
  int u = 0;
  for (; u + lanes <= width; u += lanes) {
    const auto isApart = hn::Gt(hn::Abs(hn::Sub(hn::LoadU(df, d + u), hn::LoadU(df, other + u))), step);
    const auto flags = hn::PromoteTo(du, hn::Or(hn::LoadU(dh, validity + u), hn::LoadU(dh, otherValidity + u)));
    uint8_t link[8] = {};
    hn::StoreMaskBits(df, hn::AndNot(isApart, hn::RebindMask(df, hn::Eq(flags, hn::Zero(du)))), link);
    uint64_t links;
    std::memcpy(&links, link, sizeof links);
    bits[u / 64] |= links << (u % 64);
  }
  for (; u < width; ++u) {
    const bool isLinked = (validity[u] | otherValidity[u]) == 0 && !(std::fabs(d[u] - other[u]) > stepPx);
    bits[u / 64] |= uint64_t{isLinked} << (u % 64);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(findLinks);

namespace {

// Connected pixels first ... last of a row; its region is the tree that `parent`s make, whose root knows the size.
struct Run {
  int row, first, last, parent, pixels;
};

int rootOf(std::vector<Run>& runs, int i) {
  while (runs[static_cast<size_t>(i)].parent != i) {
    Run& run = runs[static_cast<size_t>(i)];
    run.parent = runs[static_cast<size_t>(run.parent)].parent;
    i = run.parent;
  }
  return i;
}

void join(std::vector<Run>& runs, int a, int b) {
  a = rootOf(runs, a), b = rootOf(runs, b);
  if (a == b) return;
  if (a > b) std::swap(a, b);
  runs[static_cast<size_t>(b)].parent = a;
  runs[static_cast<size_t>(a)].pixels += runs[static_cast<size_t>(b)].pixels;
}

// Whether any of the bits first ... last is set.
bool anyOf(const uint64_t* bits, int first, int last) {
  for (int word = first / 64; word <= last / 64; ++word) {
    uint64_t in = bits[word];
    if (word == first / 64) in &= ~uint64_t{0} << (first % 64);
    if (word == last / 64) in &= ~uint64_t{0} >> (63 - last % 64);
    if (in != 0) return true;
  }
  return false;
}

// The runs of row v. links: bit u = pixel u is connected to pixel u + 1.
void addRuns(int v, const uint16_t* validity, const uint64_t* links, int width, std::vector<Run>& runs) {
  for (int u = 0; u < width; ++u) {
    if (validity[u] != 0) continue;
    const int first = u;
    // The first pixel not connected to its next one.
    uint64_t ends = ~links[u / 64] >> (u % 64);
    while (ends == 0) {
      u = u / 64 * 64 + 64;
      ends = ~links[u / 64];
    }
    u += std::countr_zero(ends);
    runs.push_back({v, first, u, static_cast<int>(runs.size()), u + 1 - first});
  }
}

}  // namespace

void removeSpeckles(const DisparityViews& map, int smallest, float stepPx) {
  const int width = map.disparity.width, height = map.disparity.height;
  std::vector<uint64_t> links(static_cast<size_t>(width) / 64 + 2);
  std::vector<Run> runs;
  runs.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) / 8);
  int above = 0;  // the first run of the row above
  for (int v = 0; v < height; ++v) {
    const float* d = map.disparity.row(v);
    const uint16_t* validity = map.validity.row(v);
    const int here = static_cast<int>(runs.size());
    HWY_DYNAMIC_DISPATCH(findLinks)(d, validity, d + 1, validity + 1, width - 1, stepPx, links.data());
    addRuns(v, validity, links.data(), width, runs);
    if (v > 0) {
      HWY_DYNAMIC_DISPATCH(findLinks)(d, validity, map.disparity.row(v - 1), map.validity.row(v - 1), width, stepPx, links.data());
      // Both rows' runs from left to right, so that each pair that overlaps is met once.
      for (int i = here, j = above; i < static_cast<int>(runs.size()) && j < here;) {
        const Run &run = runs[static_cast<size_t>(i)], &other = runs[static_cast<size_t>(j)];
        const int first = std::max(run.first, other.first), last = std::min(run.last, other.last);
        const bool isDone = run.last <= last;
        if (first <= last && anyOf(links.data(), first, last)) join(runs, i, j);
        (isDone ? i : j) += 1;
      }
    }
    above = here;
  }
  for (int i = 0; i < static_cast<int>(runs.size()); ++i) {
    if (runs[static_cast<size_t>(rootOf(runs, i))].pixels >= smallest) continue;
    const Run& run = runs[static_cast<size_t>(i)];
    for (int u = run.first; u <= run.last; ++u) {
      map.validity.at(u, run.row) |= kSpeckle;
      map.disparity.at(u, run.row) = std::numeric_limits<float>::quiet_NaN();
      map.confidence.at(u, run.row) = 0;
    }
  }
}

}  // namespace altiplano
#endif
