// SPDX-License-Identifier: Apache-2.0
#include "median.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "median.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class V>
void order(V& a, V& b) {
  const V low = hn::Min(a, b);
  b = hn::Max(a, b);
  a = low;
}

template <class V>
void order(V& a, V& b, V& c) {
  order(a, b);
  order(b, c);
  order(a, b);
}

// The median of the `n` least of the nine values, where missing ones are infinite; see the header for even n.
template <class D, class V>
V medianOfSome(D df, V (&s)[9], V n, V own) {
  // All nine sorted: columns, rows, then what these leave open (R. W. Floyd's network for nine, 25 exchanges).
  order(s[0], s[1], s[2]);
  order(s[3], s[4], s[5]);
  order(s[6], s[7], s[8]);
  order(s[0], s[3], s[6]);
  order(s[1], s[4], s[7]);
  order(s[2], s[5], s[8]);
  order(s[1], s[3]);
  order(s[5], s[7]);
  order(s[2], s[6]);
  order(s[4], s[6]);
  order(s[2], s[4]);
  order(s[2], s[3]);
  order(s[5], s[6]);
  V lower = s[0], upper = s[0];
  for (int k = 1; k <= 4; ++k) {
    upper = hn::IfThenElse(hn::Ge(n, hn::Set(df, static_cast<float>(2 * k))), s[k], upper);
    lower = hn::IfThenElse(hn::Ge(n, hn::Set(df, static_cast<float>(2 * k + 1))), s[k], lower);
  }
  // n odd: both are the one in the middle.
  const auto takeLower = hn::Le(hn::Abs(hn::Sub(lower, own)), hn::Abs(hn::Sub(upper, own)));
  return hn::IfThenElse(takeLower, lower, upper);
}

// from[0 ... 2]: the row above, the row itself, the row below, with infinity for what is missing and beyond the ends.
// out has room for whole vectors.
template <class D>
void medianOfRow(D df, const float* const (&from)[3], int width, float* out) {
  using V = hn::Vec<D>;
  const V infinity = hn::Set(df, std::numeric_limits<float>::infinity());
  const auto medianAt = [&](int u) HWY_ATTR {
    V s[9];
    V n = hn::Zero(df), greatest = hn::Zero(df);
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i) s[3 * i + j] = hn::LoadU(df, from[j] + u + i - 1);
    }
    greatest = s[0];
    for (int i = 1; i < 9; ++i) greatest = hn::Max(greatest, s[i]);
    const V own = s[4];
    if (hn::AllTrue(df, hn::Or(hn::Lt(greatest, infinity), hn::Eq(own, infinity)))) {
      order(s[0], s[1], s[2]);
      order(s[3], s[4], s[5]);
      order(s[6], s[7], s[8]);
      V least = hn::Max(hn::Max(s[0], s[3]), s[6]), most = hn::Min(hn::Min(s[2], s[5]), s[8]);
      order(s[1], s[4], s[7]);
      order(least, s[4], most);
      return s[4];
    }
    for (int i = 0; i < 9; ++i) n = hn::Add(n, hn::IfThenElseZero(hn::Lt(s[i], infinity), hn::Set(df, 1.0f)));
    return medianOfSome(df, s, n, own);
  };
  const V missing = hn::Set(df, std::numeric_limits<float>::quiet_NaN());
  for (int u = 0; u < width; u += static_cast<int>(hn::Lanes(df))) {
    const V own = hn::LoadU(df, from[1] + u);
    hn::StoreU(hn::IfThenElse(hn::Eq(own, infinity), missing, medianAt(u)), df, out + u);
  }
}

void medianOfNine(ImageView<const float> in, ImageView<float> out) {
  const hn::ScalableTag<float> df;
  const float infinity = std::numeric_limits<float>::infinity();
  const int width = in.width, lanes = static_cast<int>(hn::Lanes(df));
  // Three rows in turn, with a column in front and a vector behind.
  Image<float> ring(width + lanes + 1, 3), medians(width + lanes, 1);
  const auto rowOf = [&](int v) { return ring.view().row((v + 3) % 3) + 1; };
  const auto read = [&](int v) HWY_ATTR {
    float* to = rowOf(v);
    std::fill_n(to - 1, width + lanes + 1, infinity);
    if (v < 0 || v >= in.height) return;
    const float* from = in.row(v);
    for (int u = 0; u < width; ++u) to[u] = from[u] == from[u] ? from[u] : infinity;
  };
  read(-1);
  read(0);
  for (int v = 0; v < in.height; ++v) {
    read(v + 1);
    medianOfRow(df, {rowOf(v - 1), rowOf(v), rowOf(v + 1)}, width, medians.view().row(0));
    std::copy_n(medians.view().row(0), width, out.row(v));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {
HWY_EXPORT(medianOfNine);

void medianFilter(ImageView<const float> in, int size, ImageView<float> out) {
  if (size == 3) {
    HWY_DYNAMIC_DISPATCH(medianOfNine)(in, out);
  } else {
    medianFilterReference(in, size, out);
  }
}
}  // namespace altiplano
#endif
