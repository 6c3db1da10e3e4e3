// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "sgm.h"

namespace altiplano {
namespace {

constexpr int64_t kInfinite = std::numeric_limits<int32_t>::max();

bool isMissing(const SgmInput& in, int u, int v, int k) {
  const int column = u + in.low.at(u, v) + k + in.secOffset;
  return column < 0 || column >= in.secValidity.width || in.secValidity.at(column, v) != 0;
}

int64_t costOf(const SgmInput& in, int u, int v, int k) {
  if (in.refValidity.at(u, v) != 0) return 0;
  if (isMissing(in, u, v, k)) return kMissingCost;
  return std::popcount(censusCodeAt(in.refCensus, u, v) ^
                       censusCodeAt(in.secCensus, u + in.low.at(u, v) + k + in.secOffset, v));
}

}  // namespace

void sgmReference(const SgmInput& in, const SgmOptions& options, const SumsSink& sink) {
  const int width = in.width(), height = in.height(), count = in.count;
  const size_t cells = static_cast<size_t>(width) * height * count;
  const auto index = [&](int u, int v, int k) { return (static_cast<size_t>(v) * width + u) * count + k; };
  std::vector<int64_t> sums(cells, 0), path(cells);
  for (int dv = -1; dv <= 1; ++dv) {
    for (int du = -1; du <= 1; ++du) {
      if (du == 0 && dv == 0) continue;
      for (int j = 0; j < height; ++j) {
        const int v = dv < 0 ? height - 1 - j : j;
        const RowExtent extent = extentOf(in.refValidity, v);
        for (int i = extent.first; i <= extent.last; ++i) {
          const int u = du < 0 ? extent.last - (i - extent.first) : i;
          const int qu = u - du, qv = v - dv;
          const bool first = qv < 0 || qv >= height || !extentOf(in.refValidity, qv).holds(qu);
          const auto before = [&](int d) {  // L of the path's previous pixel at disparity d
            const int k = d - in.low.at(qu, qv);
            return k < 0 || k >= in.countOf(qv) ? kInfinite : path[index(qu, qv, k)];
          };
          int64_t least = kInfinite;
          for (int k = 0; !first && k < in.countOf(qv); ++k) least = std::min(least, path[index(qu, qv, k)]);
          for (int k = 0; k < in.countOf(v); ++k) {
            int64_t l = costOf(in, u, v, k);
            if (!first) {
              const int d = in.low.at(u, v) + k;
              const int p2 = adaptedP2(options, in.refImage.at(u, v), in.refImage.at(qu, qv));
              l += std::min({before(d), before(d - 1) + options.p1, before(d + 1) + options.p1, least + p2}) - least;
            }
            path[index(u, v, k)] = l;
            sums[index(u, v, k)] += l;
          }
        }
      }
    }
  }
  std::vector<uint16_t> row(static_cast<size_t>(width) * static_cast<size_t>(sgmStride(count)));
  for (int v = height - 1; v >= 0; --v) {
    const int stride = sgmStride(in.countOf(v));
    for (int u = 0; u < width; ++u) {
      for (int k = 0; k < stride; ++k) {
        const bool none = k >= in.countOf(v) || isMissing(in, u, v, k);
        row[static_cast<size_t>(u) * static_cast<size_t>(stride) + static_cast<size_t>(k)] =
            none ? kNoCandidate : static_cast<uint16_t>(sums[index(u, v, k)]);
      }
    }
    sink(v, row.data());
  }
}

}  // namespace altiplano
