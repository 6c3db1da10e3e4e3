// SPDX-License-Identifier: Apache-2.0
#include "speckle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "validity.h"

namespace altiplano {
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

}  // namespace

void removeSpeckles(const DisparityViews& map, int smallest, float stepPx) {
  const int width = map.disparity.width, height = map.disparity.height;
  std::vector<Run> runs;
  runs.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) / 8);
  int above = 0;  // the first run of the row above
  for (int v = 0; v < height; ++v) {
    const float* d = map.disparity.row(v);
    const uint16_t* validity = map.validity.row(v);
    const int here = static_cast<int>(runs.size());
    for (int u = 0; u < width;) {
      if (validity[u] != 0) {
        ++u;
        continue;
      }
      const int first = u++;
      while (u < width && validity[u] == 0 && !(std::fabs(d[u] - d[u - 1]) > stepPx)) ++u;
      const int i = static_cast<int>(runs.size());
      runs.push_back({v, first, u - 1, i, u - first});
    }
    if (v > 0) {
      const float* up = map.disparity.row(v - 1);
      // Both rows' runs from left to right, so that each pair that overlaps is met once.
      for (int i = here, j = above; i < static_cast<int>(runs.size()) && j < here;) {
        const Run &run = runs[static_cast<size_t>(i)], &other = runs[static_cast<size_t>(j)];
        const int last = std::min(run.last, other.last);
        int u = std::max(run.first, other.first);
        while (u <= last && std::fabs(d[u] - up[u]) > stepPx) ++u;
        const bool isDone = run.last <= last;
        if (u <= last) join(runs, i, j);
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
