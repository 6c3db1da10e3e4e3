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

// Correlates patches of one block with search areas of another; owns what that needs, once for all points.
class Correlator {
 public:
  explicit Correlator(const MatchPointsOptions& options)
      : options_(options),
        side_(2 * options.patchRadius + 1),
        offsetsX_(2 * options.radiusU + 1),
        offsetsY_(2 * options.radiusV + 1),
        patch_(side_, side_),
        region_(roundUp(offsetsX_) + side_ - 1, offsetsY_ + side_ - 1),
        score_(roundUp(offsetsX_), offsetsY_),
        valid_(offsetsX_ + side_ - 1, offsetsY_ + side_ - 1),
        columns_(static_cast<size_t>(valid_.width())) {}

  // Where the patch of `from` around (x1, y1) lies best in `to` around (x2, y2); none where it can't be said.
  std::optional<Peak> search(const RectBlock& from, int x1, int y1, const RectBlock& to, int x2, int y2) {
    if (!readPatch(from, x1, y1)) return std::nullopt;
    readRegion(to, x2, y2);
    correlatePatch(patch_.view(), region_.view(), score_.view());
    normalise();
    return bestPeak(x2 - options_.radiusU, y2 - options_.radiusV);
  }

 private:
  // Of one column of patch height, or of a whole patch, kept by adding what enters and taking off what leaves.
  struct Sums {
    double sum = 0, squares = 0;
    int valid = 0;
    void add(const Sums& other, int sign) {
      sum += sign * other.sum, squares += sign * other.squares, valid += sign * other.valid;
    }
  };

  static int roundUp(int count) { return (count + kCorrelationBlock - 1) / kCorrelationBlock * kCorrelationBlock; }

  // The patch less its mean; false where it isn't all valid or has no texture.
  bool readPatch(const RectBlock& block, int x, int y) {
    const int radius = options_.patchRadius;
    if (x < radius || y < radius || x + radius >= block.data.width || y + radius >= block.data.height) return false;
    double sum = 0;
    for (int j = 0; j < side_; ++j) {
      for (int i = 0; i < side_; ++i) {
        if (block.valid.at(x - radius + i, y - radius + j) == 0) return false;
        sum += block.data.at(x - radius + i, y - radius + j);
      }
    }
    mean_ = static_cast<float>(sum / (side_ * side_));
    variance_ = 0;
    for (int j = 0; j < side_; ++j) {
      for (int i = 0; i < side_; ++i) {
        const float value = block.data.at(x - radius + i, y - radius + j) - mean_;
        patch_.view().at(i, j) = value;
        variance_ += static_cast<double>(value) * value;
      }
    }
    // Less than a 1e-6th of the level is rounding noise of a flat patch.
    return variance_ > side_ * side_ * 1e-12 * mean_ * mean_ && variance_ > 0;
  }

  // The search area less the patch's mean, so that sums of squares stay small; 0 where there is no data.
  void readRegion(const RectBlock& block, int x2, int y2) {
    const int left = x2 - options_.radiusU - options_.patchRadius, top = y2 - options_.radiusV - options_.patchRadius;
    for (int j = 0; j < valid_.height(); ++j) {
      float* row = region_.view().row(j);
      uint8_t* valid = valid_.view().row(j);
      const bool inside = top + j >= 0 && top + j < block.data.height;
      for (int i = 0; i < valid_.width(); ++i) {
        const int x = left + i;
        valid[i] = inside && x >= 0 && x < block.data.width && block.valid.at(x, top + j) != 0;
        row[i] = valid[i] ? block.data.at(x, top + j) - mean_ : 0;
      }
    }
  }

  // Turns products into normalised cross-correlation, kNoScore where the patch would cover no-data or no texture.
  void normalise() {
    const int count = side_ * side_;
    std::fill(columns_.begin(), columns_.end(), Sums{});
    for (int j = 0; j < side_ - 1; ++j) addRow(j, 1);
    for (int y = 0; y < offsetsY_; ++y) {
      addRow(y + side_ - 1, 1);
      float* row = score_.view().row(y);
      Sums total;
      for (int i = 0; i < side_ - 1; ++i) total.add(columns_[static_cast<size_t>(i)], 1);
      for (int x = 0; x < offsetsX_; ++x) {
        total.add(columns_[static_cast<size_t>(x + side_ - 1)], 1);
        const double variance = total.squares - total.sum * total.sum / count;
        const bool usable = total.valid == count && variance > 1e-9 * total.squares;
        row[x] = usable ? static_cast<float>(row[x] / std::sqrt(variance_ * variance)) : kNoScore;
        total.add(columns_[static_cast<size_t>(x)], -1);
      }
      addRow(y, -1);
    }
  }

  void addRow(int j, int sign) {
    const float* row = region_.view().row(j);
    const uint8_t* valid = valid_.view().row(j);
    for (int x = 0; x < valid_.width(); ++x) {
      const double value = row[x];
      columns_[static_cast<size_t>(x)].add({value, value * value, valid[x]}, sign);
    }
  }

  std::optional<Peak> bestPeak(int x0, int y0) const {
    const ImageView<const float> score = score_.view();
    int bestX = 0, bestY = 0;
    for (int y = 0; y < offsetsY_; ++y) {
      for (int x = 0; x < offsetsX_; ++x) {
        if (score.at(x, y) > score.at(bestX, bestY)) bestX = x, bestY = y;
      }
    }
    const double best = score.at(bestX, bestY);
    // On the edge of the search area, or of no-data, the true maximum may lie beyond.
    if (best < options_.minScore - kWholePixelLoss || !hasNeighbours(bestX, bestY)) return std::nullopt;
    for (int y = 0; y < offsetsY_; ++y) {
      for (int x = 0; x < offsetsX_; ++x) {
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
    if (x < 1 || y < 1 || x + 1 >= offsetsX_ || y + 1 >= offsetsY_) return false;
    for (int j = -1; j <= 1; ++j) {
      for (int i = -1; i <= 1; ++i) {
        if (score_.view().at(x + i, y + j) == kNoScore) return false;
      }
    }
    return true;
  }

  bool isLocalMaximum(int x, int y) const {
    const ImageView<const float> score = score_.view();
    for (int j = std::max(0, y - 1); j <= std::min(offsetsY_ - 1, y + 1); ++j) {
      for (int i = std::max(0, x - 1); i <= std::min(offsetsX_ - 1, x + 1); ++i) {
        if (score.at(i, j) > score.at(x, y)) return false;
      }
    }
    return true;
  }

  const MatchPointsOptions& options_;
  int side_, offsetsX_, offsetsY_;
  Image<float> patch_, region_, score_;
  Image<uint8_t> valid_;
  std::vector<Sums> columns_;
  float mean_ = 0;
  double variance_ = 0;
};

int rounded(double x) { return static_cast<int>(std::floor(x + 0.5)); }

}  // namespace

std::vector<PointMatch> matchPoints(const RectBlock& ref, const RectBlock& sec, std::span<const Seed> seeds,
                                    const MatchPointsOptions& options) {
  std::vector<PointMatch> matches;
  Correlator correlator(options);
  for (size_t index = 0; index < seeds.size(); ++index) {
    const Seed& seed = seeds[index];
    const int x1 = rounded(seed.u1) - ref.u0, y1 = rounded(seed.v1) - ref.v0;
    const int x2 = rounded(seed.u2) - sec.u0, y2 = rounded(seed.v2) - sec.v0;
    const auto there = correlator.search(ref, x1, y1, sec, x2, y2);
    if (!there) continue;
    // Back over the area the same prediction gives, seen from the match.
    const auto back = correlator.search(sec, there->x, there->y, ref, x1 + there->x - x2, y1 + there->y - y2);
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
