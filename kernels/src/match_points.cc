// SPDX-License-Identifier: Apache-2.0
#include "match_points.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "correlate_patch.h"
#include "track_patch.h"

namespace altiplano {
namespace {

constexpr float kNoScore = -2;
// The score between whole pixels is higher than at them: what is this much too low there may still be accepted.
constexpr double kWholePixelLoss = 0.15;

struct Peak {
  int x, y;  // whole pixel in the searched block
  double subX, subY;
};

// A block as correlation needs it: made once, read for every point.
struct Prepared {
  // Data less the block's mean, so that sums of squares stay small; 0 where there is no data.
  Image<float> centred;
  // 1 / sqrt(sum of squares about the mean) of the patch whose first pixel this is; 0 where it covers no-data or is flat.
  Image<float> inverseDeviation;
};

// Sums over columns of a patch's height, kept by adding the row that enters and taking off the one that leaves.
struct ColumnSums {
  std::vector<double> sum, squares;
  std::vector<int> valid;
  explicit ColumnSums(int width)
      : sum(static_cast<size_t>(width)), squares(static_cast<size_t>(width)), valid(static_cast<size_t>(width)) {}

  void add(const float* row, const uint8_t* isValid, int sign) {
    for (size_t x = 0; x < sum.size(); ++x) {
      const double value = row[x];
      sum[x] += sign * value;
      squares[x] += sign * (value * value);
      valid[x] += isValid[x] != 0 ? sign : 0;
    }
  }
};

double meanOf(const RectBlock& block) {
  double sum = 0;
  size_t count = 0;
  for (int y = 0; y < block.data.height; ++y) {
    const float* row = block.data.row(y);
    const uint8_t* valid = block.valid.row(y);
    for (int x = 0; x < block.data.width; ++x) {
      if (valid[x] != 0) sum += row[x], ++count;
    }
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Prepared prepare(const RectBlock& block, int side) {
  const int width = block.data.width, height = block.data.height, area = side * side;
  const double mean = meanOf(block);
  const float level = static_cast<float>(mean);
  // Correlation reads on to the end of its last block of offsets.
  Prepared to{Image<float>(width + kCorrelationBlock, height), Image<float>(width, height)};
  for (int y = 0; y < height; ++y) {
    const float* in = block.data.row(y);
    const uint8_t* valid = block.valid.row(y);
    float* out = to.centred.view().row(y);
    for (int x = 0; x < width; ++x) out[x] = valid[x] != 0 ? in[x] - level : 0;
  }
  if (width < side) return to;
  // Less than a 1e-6th of the level is rounding noise of a flat patch.
  const double least = area * 1e-12 * mean * mean;
  ColumnSums columns(width);
  for (int y = 0; y < height; ++y) {
    columns.add(to.centred.view().row(y), block.valid.row(y), 1);
    const int top = y - side + 1;
    if (top < 0) continue;
    float* out = to.inverseDeviation.view().row(top);
    double sum = 0, squares = 0;
    int valid = 0;
    for (int x = 0; x < width; ++x) {
      const size_t in = static_cast<size_t>(x);
      sum += columns.sum[in], squares += columns.squares[in], valid += columns.valid[in];
      const int left = x - side + 1;
      if (left < 0) continue;
      const double variance = squares - sum * sum / area;
      const bool usable = valid == area && variance > 1e-9 * squares && variance > least;
      out[left] = usable ? 1 / std::sqrt(static_cast<float>(variance)) : 0;
      const size_t leaving = static_cast<size_t>(left);
      sum -= columns.sum[leaving], squares -= columns.squares[leaving], valid -= columns.valid[leaving];
    }
    columns.add(to.centred.view().row(top), block.valid.row(top), -1);
  }
  return to;
}

// Correlates patches of one block with search areas of another; owns what that needs, once for all points.
class Correlator {
 public:
  explicit Correlator(const MatchPointsOptions& options)
      : options_(options),
        side_(2 * options.patchRadius + 1),
        patch_(side_, side_),
        score_(roundUp(2 * options.radiusU + 1), 2 * options.radiusV + 1),
        rowBest_(static_cast<size_t>(2 * options.radiusV + 1)) {}

  // Where the patch of `from` around (x1, y1) lies best in `to` around (x2, y2); none where it can't be said.
  std::optional<Peak> search(const Prepared& from, int x1, int y1, const Prepared& to, int x2, int y2) {
    const int radius = options_.patchRadius;
    if (!readPatch(from, x1 - radius, y1 - radius)) return std::nullopt;
    // First pixels of the patches searched: those inside the block.
    const ImageView<const float> block = to.inverseDeviation.view();
    const int left = std::max(0, x2 - options_.radiusU - radius), top = std::max(0, y2 - options_.radiusV - radius);
    columns_ = std::min(block.width - side_, x2 + options_.radiusU - radius) - left + 1;
    rows_ = std::min(block.height - side_, y2 + options_.radiusV - radius) - top + 1;
    if (columns_ < 3 || rows_ < 3) return std::nullopt;
    const ImageView<const float> centred = to.centred.view();
    correlatePatch(patch_.view(), {centred.row(top) + left, centred.width - left, centred.height - top, centred.stride},
                   {score_.view().data, columns_, rows_, score_.view().stride});
    normalise(block, left, top);
    return bestPeak(left + radius, top + radius);
  }

 private:
  static int roundUp(int count) { return (count + kCorrelationBlock - 1) / kCorrelationBlock * kCorrelationBlock; }

  // The patch less its mean; false where it isn't all valid or has no texture.
  bool readPatch(const Prepared& block, int left, int top) {
    const ImageView<const float> centred = block.centred.view(), deviations = block.inverseDeviation.view();
    if (left < 0 || top < 0 || left + side_ > deviations.width || top + side_ > deviations.height) return false;
    inverseDeviation_ = deviations.at(left, top);
    if (inverseDeviation_ == 0) return false;
    double sum = 0;
    for (int j = 0; j < side_; ++j) {
      for (int i = 0; i < side_; ++i) sum += centred.at(left + i, top + j);
    }
    const float mean = static_cast<float>(sum / (side_ * side_));
    for (int j = 0; j < side_; ++j) {
      float* row = patch_.view().row(j);
      for (int i = 0; i < side_; ++i) row[i] = centred.at(left + i, top + j) - mean;
    }
    return true;
  }

  // Turns products into normalised cross-correlation, kNoScore where the patch would cover no-data or no texture; the
  // best of each row.
  void normalise(ImageView<const float> inverseDeviation, int left, int top) {
    constexpr int kLanes = 16;
    for (int y = 0; y < rows_; ++y) {
      const float* inverse = inverseDeviation.row(top + y) + left;
      float* row = score_.view().row(y);
      for (int x = 0; x < columns_; ++x) row[x] = inverse[x] > 0 ? row[x] * (inverse[x] * inverseDeviation_) : kNoScore;
      float best[kLanes];
      std::fill(best, best + kLanes, kNoScore);
      int x = 0;
      for (; x + kLanes <= columns_; x += kLanes) {
        for (int k = 0; k < kLanes; ++k) best[k] = row[x + k] > best[k] ? row[x + k] : best[k];
      }
      for (; x < columns_; ++x) best[0] = std::max(best[0], row[x]);
      rowBest_[static_cast<size_t>(y)] = *std::max_element(best, best + kLanes);
    }
  }

  // (x0, y0): the pixel of the block that the first score belongs to.
  std::optional<Peak> bestPeak(int x0, int y0) const {
    const ImageView<const float> score = score_.view();
    const auto bestRow = std::max_element(rowBest_.begin(), rowBest_.begin() + rows_);
    const int bestY = static_cast<int>(bestRow - rowBest_.begin());
    const float* inRow = score.row(bestY);
    const int bestX = static_cast<int>(std::find(inRow, inRow + columns_, *bestRow) - inRow);
    const double best = *bestRow;
    // On the edge of the search area, or of no-data, the true maximum may lie beyond.
    if (best < options_.minScore - kWholePixelLoss || !hasNeighbours(bestX, bestY)) return std::nullopt;
    for (int y = 0; y < rows_; ++y) {
      if (rowBest_[static_cast<size_t>(y)] <= best - options_.minDistinct) continue;
      for (int x = 0; x < columns_; ++x) {
        if (score.at(x, y) <= best - options_.minDistinct || (std::abs(x - bestX) <= 2 && std::abs(y - bestY) <= 2)) {
          continue;
        }
        if (isLocalMaximum(x, y)) return std::nullopt;
      }
    }
    const auto vertex = [&](double before, double after) {
      const double curvature = before - 2 * best + after;
      return curvature < 0 ? 0.5 * (before - after) / curvature : 0.0;
    };
    return Peak{x0 + bestX, y0 + bestY,
                x0 + bestX + vertex(score.at(bestX - 1, bestY), score.at(bestX + 1, bestY)),
                y0 + bestY + vertex(score.at(bestX, bestY - 1), score.at(bestX, bestY + 1))};
  }

  bool hasNeighbours(int x, int y) const {
    if (x < 1 || y < 1 || x + 1 >= columns_ || y + 1 >= rows_) return false;
    for (int j = -1; j <= 1; ++j) {
      for (int i = -1; i <= 1; ++i) {
        if (score_.view().at(x + i, y + j) == kNoScore) return false;
      }
    }
    return true;
  }

  bool isLocalMaximum(int x, int y) const {
    const ImageView<const float> score = score_.view();
    for (int j = std::max(0, y - 1); j <= std::min(rows_ - 1, y + 1); ++j) {
      for (int i = std::max(0, x - 1); i <= std::min(columns_ - 1, x + 1); ++i) {
        if (score.at(i, j) > score.at(x, y)) return false;
      }
    }
    return true;
  }

  const MatchPointsOptions& options_;
  int side_;
  int columns_ = 0, rows_ = 0;  // of scores, in the search under way
  Image<float> patch_, score_;
  std::vector<float> rowBest_;
  float inverseDeviation_ = 0;  // of the patch
};

int rounded(double x) { return static_cast<int>(std::floor(x + 0.5)); }

}  // namespace

std::vector<PointMatch> matchPoints(const RectBlock& ref, const RectBlock& sec, std::span<const Seed> seeds,
                                    const MatchPointsOptions& options) {
  std::vector<PointMatch> matches;
  const int side = 2 * options.patchRadius + 1;
  const Prepared preparedRef = prepare(ref, side), preparedSec = prepare(sec, side);
  Correlator correlator(options);
  for (size_t index = 0; index < seeds.size(); ++index) {
    const Seed& seed = seeds[index];
    const int x1 = rounded(seed.u1) - ref.u0, y1 = rounded(seed.v1) - ref.v0;
    const int x2 = rounded(seed.u2) - sec.u0, y2 = rounded(seed.v2) - sec.v0;
    const auto there = correlator.search(preparedRef, x1, y1, preparedSec, x2, y2);
    if (!there) continue;
    // Back over the area the same prediction gives, seen from the match.
    const auto back =
        correlator.search(preparedSec, there->x, there->y, preparedRef, x1 + there->x - x2, y1 + there->y - y2);
    if (!back || std::abs(back->x - x1) > 1 || std::abs(back->y - y1) > 1) continue;
    const auto tracked = trackPatch(ref.data, ref.valid, x1, y1, sec.data, sec.valid, there->subX, there->subY,
                                    options.patchRadius);
    if (!tracked || tracked->score < options.minScore) continue;
    matches.push_back({static_cast<int>(index), static_cast<double>(x1 + ref.u0), static_cast<double>(y1 + ref.v0),
                       tracked->x + sec.u0, tracked->y + sec.v0, tracked->score});
  }
  return matches;
}

}  // namespace altiplano
