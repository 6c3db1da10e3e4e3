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

// Bit u of each, in whole words: whether row v's pixel u is valid; is connected to pixel u + 1; to the pixel above it.
void findLinks(const DisparityViews& map, int v, float stepPx, uint64_t* valid, uint64_t* right, uint64_t* up) {
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const hn::Rebind<uint16_t, decltype(df)> dh;
  const int lanes = static_cast<int>(hn::Lanes(df)), width = map.disparity.width, above = std::max(0, v - 1);
  const float *d = map.disparity.row(v), *dAbove = map.disparity.row(above);
  const uint16_t *validity = map.validity.row(v), *validityAbove = map.validity.row(above);
  const auto step = hn::Set(df, stepPx);
  for (uint64_t* bits : {valid, right, up}) std::fill_n(bits, width / 64 + 1, uint64_t{0});
  const auto set = [](uint64_t* bits, int u, auto mask) HWY_ATTR {
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(hn::ScalableTag<float>(), mask, bytes);
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    bits[u / 64] |= word << (u % 64);
  };
  int u = 0;
  for (; u + lanes < width; u += lanes) {
    const auto here = hn::LoadU(df, d + u);
    const auto flags = hn::PromoteTo(du, hn::LoadU(dh, validity + u));
    const auto connected = [&](const float* other, const uint16_t* otherValidity) HWY_ATTR {
      const auto isApart = hn::Gt(hn::Abs(hn::Sub(here, hn::LoadU(df, other + u))), step);
      const auto both = hn::Or(flags, hn::PromoteTo(du, hn::LoadU(dh, otherValidity + u)));
      return hn::AndNot(isApart, hn::RebindMask(df, hn::Eq(both, hn::Zero(du))));
    };
    set(valid, u, hn::RebindMask(df, hn::Eq(flags, hn::Zero(du))));
    set(right, u, connected(d + 1, validity + 1));
    if (v > 0) set(up, u, connected(dAbove, validityAbove));
  }
  for (; u < width; ++u) {
    const auto add = [u](uint64_t* bits, bool isSet) { bits[u / 64] |= uint64_t{isSet} << (u % 64); };
    const bool isValid = validity[u] == 0;
    add(valid, isValid);
    add(right, isValid && u + 1 < width && validity[u + 1] == 0 && !(std::fabs(d[u] - d[u + 1]) > stepPx));
    add(up, isValid && v > 0 && validityAbove[u] == 0 && !(std::fabs(d[u] - dAbove[u]) > stepPx));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(findLinks);

namespace {

// As findLinks finds them.
struct RowLinks {
  std::vector<uint64_t> valid, right, up;
  explicit RowLinks(int width) : valid(static_cast<size_t>(width) / 64 + 1), right(valid.size()), up(valid.size()) {}
};

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

// Calls visit(u) for each bit set in row(word), from left to right.
template <class Word, class Visit>
void forBits(size_t words, Word row, Visit visit) {
  for (size_t word = 0; word < words; ++word) {
    for (uint64_t bits = row(word); bits != 0; bits &= bits - 1) visit(static_cast<int>(64 * word) + std::countr_zero(bits));
  }
}

// Word `at` of the bits moved one to the right: bit u says what bit u - 1 said.
uint64_t previous(const std::vector<uint64_t>& bits, size_t at) { return bits[at] << 1 | (at > 0 ? bits[at - 1] >> 63 : 0); }

// The runs of row v.
void addRuns(int v, const RowLinks& links, std::vector<Run>& runs) {
  const size_t words = links.valid.size(), here = runs.size();
  forBits(words, [&](size_t at) { return links.valid[at] & ~previous(links.right, at); }, [&](int u) {
    runs.push_back({v, u, u, static_cast<int>(runs.size()), 0});
  });
  size_t i = here;
  forBits(words, [&](size_t at) { return links.valid[at] & ~links.right[at]; }, [&](int u) {
    runs[i].last = u;
    runs[i].pixels = u + 1 - runs[i].first;
    ++i;
  });
}

// Joins the runs from `here` on to those from `above` on, of the row above.
void joinRows(const RowLinks& links, const RowLinks& linksAbove, int above, int here, std::vector<Run>& runs) {
  // Where the pixels before are connected to these two and to one another, the same runs were joined there.
  const auto isFirst = [&](size_t at) {
    return links.up[at] & ~(previous(links.up, at) & previous(links.right, at) & previous(linksAbove.right, at));
  };
  int i = here, j = above;
  forBits(links.up.size(), isFirst, [&](int u) {
    while (runs[static_cast<size_t>(i)].last < u) ++i;
    while (runs[static_cast<size_t>(j)].last < u) ++j;
    join(runs, i, j);
  });
}

}  // namespace

void removeSpeckles(const DisparityViews& map, int smallest, float stepPx) {
  const int width = map.disparity.width, height = map.disparity.height;
  RowLinks links(width), linksAbove(width);
  std::vector<Run> runs;
  runs.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) / 8);
  int above = 0;  // the first run of the row above
  for (int v = 0; v < height; ++v) {
    const int here = static_cast<int>(runs.size());
    std::swap(links, linksAbove);
    HWY_DYNAMIC_DISPATCH(findLinks)(map, v, stepPx, links.valid.data(), links.right.data(), links.up.data());
    addRuns(v, links, runs);
    joinRows(links, linksAbove, above, here, runs);
    above = here;
  }
  for (Run& run : runs) {
    // Parents come first, so that theirs are the roots already.
    run.parent = runs[static_cast<size_t>(run.parent)].parent;
    if (runs[static_cast<size_t>(run.parent)].pixels >= smallest) continue;
    for (int u = run.first; u <= run.last; ++u) {
      map.validity.at(u, run.row) |= kSpeckle;
      map.disparity.at(u, run.row) = std::numeric_limits<float>::quiet_NaN();
      map.confidence.at(u, run.row) = 0;
    }
  }
}

}  // namespace altiplano
#endif
