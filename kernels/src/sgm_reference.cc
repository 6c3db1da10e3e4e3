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
  return column < 0 || column >= in.secCensus.width || in.secValidity.at(column, v) != 0;
}

int64_t costOf(const SgmInput& in, int u, int v, int k) {
  if (in.refValidity.at(u, v) != 0) return 0;
  if (isMissing(in, u, v, k)) return kMissingCost;
  return std::popcount(in.refCensus.at(u, v) ^ in.secCensus.at(u + in.low.at(u, v) + k + in.secOffset, v));
}

}  // namespace

void sgmReference(const SgmInput& in, const SgmOptions& options, CostVolume& volume) {
  const int width = volume.width(), height = volume.height(), count = volume.count();
  const size_t cells = static_cast<size_t>(width) * height * count;
  const auto index = [&](int u, int v, int k) { return (static_cast<size_t>(v) * width + u) * count + k; };
  std::vector<int64_t> sums(cells, 0), path(cells);
  for (int dv = -1; dv <= 1; ++dv) {
    for (int du = -1; du <= 1; ++du) {
      if (du == 0 && dv == 0) continue;
      for (int j = 0; j < height; ++j) {
        const int v = dv < 0 ? height - 1 - j : j;
        for (int i = 0; i < width; ++i) {
          const int u = du < 0 ? width - 1 - i : i;
          const int qu = u - du, qv = v - dv;
          const bool first = qu < 0 || qu >= width || qv < 0 || qv >= height;
          const auto before = [&](int d) {  // L of the path's previous pixel at disparity d
            const int k = d - in.low.at(qu, qv);
            return k < 0 || k >= count ? kInfinite : path[index(qu, qv, k)];
          };
          int64_t least = kInfinite;
          for (int k = 0; !first && k < count; ++k) least = std::min(least, path[index(qu, qv, k)]);
          for (int k = 0; k < count; ++k) {
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
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      for (int k = 0; k < volume.stride(); ++k) {
        const bool none = k >= count || isMissing(in, u, v, k);
        volume.at(u, v)[k] = none ? kNoCandidate : static_cast<uint16_t>(sums[index(u, v, k)]);
      }
    }
  }
}

}  // namespace altiplano
