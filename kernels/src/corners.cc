// SPDX-License-Identifier: Apache-2.0
#include "corners.h"

#include <algorithm>
#include <cmath>

namespace altiplano {
namespace {

constexpr int kTensorRadius = 3;

// 1 where all pixels within `radius` along both axes are inside and valid.
Image<uint8_t> clearPixels(ImageView<const uint8_t> valid, int radius) {
  const int width = valid.width, height = valid.height, side = 2 * radius + 1;
  Image<uint8_t> rowClear(width, height), clear(width, height);
  for (int y = 0; y < height; ++y) {
    int run = 0;
    for (int x = 0; x < width; ++x) {
      run = valid.at(x, y) != 0 ? run + 1 : 0;
      if (run >= side) rowClear.view().at(x - radius, y) = 1;
    }
  }
  std::vector<int> runs(static_cast<size_t>(width), 0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      int& run = runs[static_cast<size_t>(x)];
      run = rowClear.view().at(x, y) != 0 ? run + 1 : 0;
      if (run >= side) clear.view().at(x, y - radius) = 1;
    }
  }
  return clear;
}

// Sums over (2 kTensorRadius + 1)^2 pixels, in place; right for pixels that far from the edge.
void boxSum(ImageView<float> image) {
  Image<float> rows(image.width, image.height);
  for (int y = kTensorRadius; y < image.height - kTensorRadius; ++y) {
    float* out = rows.view().row(y);
    for (int k = -kTensorRadius; k <= kTensorRadius; ++k) {
      const float* in = image.row(y + k);
      for (int x = 0; x < image.width; ++x) out[x] += in[x];
    }
  }
  for (int y = 0; y < image.height; ++y) {
    const float* in = rows.view().row(y);
    float* out = image.row(y);
    for (int x = kTensorRadius; x < image.width - kTensorRadius; ++x) {
      float sum = 0;
      for (int k = -kTensorRadius; k <= kTensorRadius; ++k) sum += in[x + k];
      out[x] = sum;
    }
  }
}

Image<float> cornerStrength(ImageView<const float> data) {
  const int width = data.width, height = data.height;
  Image<float> xx(width, height), xy(width, height), yy(width, height);
  for (int y = 1; y < height - 1; ++y) {
    const float *above = data.row(y - 1), *here = data.row(y), *below = data.row(y + 1);
    float *pxx = xx.view().row(y), *pxy = xy.view().row(y), *pyy = yy.view().row(y);
    for (int x = 1; x < width - 1; ++x) {
      const float gx = (here[x + 1] - here[x - 1]) * 0.5f, gy = (below[x] - above[x]) * 0.5f;
      pxx[x] = gx * gx, pxy[x] = gx * gy, pyy[x] = gy * gy;
    }
  }
  for (Image<float>* image : {&xx, &xy, &yy}) boxSum(image->view());
  for (int y = 0; y < height; ++y) {
    float *pxx = xx.view().row(y), *pxy = xy.view().row(y), *pyy = yy.view().row(y);
    for (int x = 0; x < width; ++x) {
      const float mean = (pxx[x] + pyy[x]) * 0.5f, half = (pxx[x] - pyy[x]) * 0.5f;
      pxx[x] = mean - std::sqrt(half * half + pxy[x] * pxy[x]);
    }
  }
  return xx;
}

// Local maxima among clear pixels, strongest first; of equal ones the first in row order.
std::vector<Corner> localMaxima(ImageView<const float> strength, ImageView<const uint8_t> clear) {
  std::vector<Corner> corners;
  for (int y = 1; y < strength.height - 1; ++y) {
    for (int x = 1; x < strength.width - 1; ++x) {
      const float here = strength.at(x, y);
      if (clear.at(x, y) == 0 || !(here > 0)) continue;
      const float *above = strength.row(y - 1) + x, *row = strength.row(y) + x, *below = strength.row(y + 1) + x;
      const float before = std::max({above[-1], above[0], above[1], row[-1]});
      const float after = std::max({row[1], below[-1], below[0], below[1]});
      if (here > before && here >= after) corners.push_back({x, y, here});
    }
  }
  std::sort(corners.begin(), corners.end(), [](const Corner& a, const Corner& b) {
    if (a.strength != b.strength) return a.strength > b.strength;
    return a.y != b.y ? a.y < b.y : a.x < b.x;
  });
  return corners;
}

}  // namespace

std::vector<Corner> detectCorners(ImageView<const float> data, ImageView<const uint8_t> valid,
                                  const CornerOptions& options) {
  // The tensor of a corner reads kTensorRadius + 1 pixels around it: no gradient across the edge of no-data.
  const Image<uint8_t> clear = clearPixels(valid, std::max(options.border, kTensorRadius + 1));
  size_t clearCount = 0;
  for (int y = 0; y < valid.height; ++y) {
    const uint8_t* row = clear.view().row(y);
    for (int x = 0; x < valid.width; ++x) clearCount += row[x];
  }
  std::vector<Corner> chosen;
  if (clearCount == 0 || options.maxPoints < 1) return chosen;

  const double cellPx =
      std::max({1.0, options.minDistancePx, std::sqrt(static_cast<double>(clearCount) / options.maxPoints)});
  const int columns = static_cast<int>(valid.width / cellPx) + 1, rows = static_cast<int>(valid.height / cellPx) + 1;
  std::vector<int> corner(static_cast<size_t>(columns) * static_cast<size_t>(rows), -1);  // index into chosen
  const double minDistance2 = options.minDistancePx * options.minDistancePx;
  for (const Corner& candidate : localMaxima(cornerStrength(data).view(), clear.view())) {
    if (static_cast<int>(chosen.size()) >= options.maxPoints) break;
    const int cx = static_cast<int>(candidate.x / cellPx), cy = static_cast<int>(candidate.y / cellPx);
    int& own = corner[static_cast<size_t>(cy * columns + cx)];
    bool free = own < 0;
    // A cell is at least minDistancePx wide: whatever is too near lies in a cell next door.
    for (int ny = std::max(0, cy - 1); free && ny <= std::min(rows - 1, cy + 1); ++ny) {
      for (int nx = std::max(0, cx - 1); free && nx <= std::min(columns - 1, cx + 1); ++nx) {
        const int neighbour = corner[static_cast<size_t>(ny * columns + nx)];
        if (neighbour < 0) continue;
        const double dx = candidate.x - chosen[static_cast<size_t>(neighbour)].x;
        const double dy = candidate.y - chosen[static_cast<size_t>(neighbour)].y;
        free = dx * dx + dy * dy >= minDistance2;
      }
    }
    if (!free) continue;
    own = static_cast<int>(chosen.size());
    chosen.push_back(candidate);
  }
  return chosen;
}

}  // namespace altiplano
