// SPDX-License-Identifier: Apache-2.0
#include "merge_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "merge_cells.h"
#include "targets_for_test.h"

namespace altiplano {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int kHalo = 4, kSide = 24, kReach = kSide + 2 * kHalo;

struct Cells {
  Image<float> height{kReach, kReach}, weight{kReach, kReach}, spread{kReach, kReach}, count{kReach, kReach};
  CellViews views() const { return {height.view(), weight.view(), spread.view(), count.view()}; }
  CellOutputs outputs() { return {height.view(), weight.view(), spread.view(), count.view()}; }
};

Cells randomCells(uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(0, 1);
  Cells cells;
  for (int y = 0; y < kReach; ++y) {
    for (int x = 0; x < kReach; ++x) {
      const bool isHole = random() % 5 == 0;
      cells.height.view().at(x, y) = isHole ? kNaN : 50 + 4 * unit(random);
      cells.weight.view().at(x, y) = isHole ? 0 : 0.1F + unit(random);
      cells.spread.view().at(x, y) = random() % 7 == 0 ? kNaN : unit(random);
      cells.count.view().at(x, y) = static_cast<float>(random() % 9);
    }
  }
  return cells;
}

// A ramp two halos wide, 1/2 on the border of the core that covers [start, start + kSide).
std::vector<double> feather(int start) {
  std::vector<double> weights(kSide);
  for (int i = 0; i < kSide; ++i) {
    weights[static_cast<size_t>(i)] = std::clamp((std::min(i - start, start + kSide - 1 - i) + 0.5 + kHalo) / (2.0 * kHalo), 0.0, 1.0);
  }
  return weights;
}

// A tile and its eight neighbours, each with its halo, and the definition cell by cell.
TEST(BlendTiles, FollowsItsDefinitionCellByCell) {
  std::vector<Cells> cells;
  std::vector<std::vector<double>> across, down;
  std::vector<BlendTile> tiles;
  for (int i = 0; i < 9; ++i) {
    cells.push_back(randomCells(static_cast<uint32_t>(i)));
    across.push_back(feather((i % 3 - 1) * kSide));
    down.push_back(feather((i / 3 - 1) * kSide));
  }
  for (int i = 0; i < 9; ++i) {
    const auto at = static_cast<size_t>(i);
    tiles.push_back({(i % 3 - 1) * kSide - kHalo, (i / 3 - 1) * kSide - kHalo, i == 4, across[at].data(), down[at].data(), cells[at].views()});
  }
  Image<float> height(kSide, kSide);
  Image<uint16_t> confidence(kSide, kSide), count(kSide, kSide), spread(kSide, kSide), reason(kSide, kSide);
  const BlendOptions options{1.5, 0.8, 1};
  blendTiles(tiles, options, {height.view(), confidence.view(), count.view(), spread.view(), reason.view()});

  int blended = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const auto featherOf = [&](const BlendTile& tile) { return tile.featherCol[x] * tile.featherRow[y]; };
      const auto valueOf = [&](const BlendTile& tile, ImageView<const float> band) -> double { return band.at(x - tile.col0, y - tile.row0); };
      const BlendTile* lead = nullptr;
      for (const BlendTile& tile : tiles) {
        if (featherOf(tile) <= 0 || valueOf(tile, tile.cells.weight) <= 0) continue;
        if (lead == nullptr || tile.isOwner || (!lead->isOwner && featherOf(tile) > featherOf(*lead))) lead = &tile;
      }
      ASSERT_EQ(reason.view().at(x, y), lead == nullptr ? 1 : 0) << x << ", " << y;
      if (lead == nullptr) {
        EXPECT_EQ(height.view().at(x, y), -32768);
        EXPECT_EQ(spread.view().at(x, y), 0);
        EXPECT_EQ(confidence.view().at(x, y), 0);
        continue;
      }
      double feathers = 0, weights = 0, heights = 0, squares = 0;
      for (const BlendTile& tile : tiles) {
        if (featherOf(tile) <= 0 || valueOf(tile, tile.cells.weight) <= 0) continue;
        const double h = valueOf(tile, tile.cells.height);
        if (std::abs(h - valueOf(*lead, lead->cells.height)) > options.toleranceM) continue;
        const double weight = featherOf(tile) * valueOf(tile, tile.cells.weight), s = valueOf(tile, tile.cells.spread);
        feathers += featherOf(tile);
        weights += weight;
        heights += weight * h;
        squares += weight * ((s > 0 ? s * s : 0) + h * h);
        ++blended;
      }
      const double mean = heights / weights;
      EXPECT_NEAR(height.view().at(x, y), mean, 1e-5);
      EXPECT_NEAR(spread.view().at(x, y), kUnitSteps * std::sqrt(std::max(0.0, squares / weights - mean * mean)), 0.5 + 0.05);
      EXPECT_NEAR(confidence.view().at(x, y), kUnitSteps * std::min(1.0, weights / feathers / options.fullWeight), 0.5 + 1e-3);
      EXPECT_EQ(count.view().at(x, y), valueOf(*lead, lead->cells.count));
    }
  }
  EXPECT_GT(blended, kSide * kSide);
}

// Two tiles over one row: the owner's heights are 10, the neighbour's 12, both everywhere.
struct TwoTiles {
  Cells owners, neighbours;
  std::vector<double> ownerFeather = std::vector<double>(kSide, 1), neighbourFeather = ownerFeather;
  const std::vector<double> down{1};
  Image<float> height{kSide, 1};
  Image<uint16_t> confidence{kSide, 1}, count{kSide, 1}, spread{kSide, 1}, reason{kSide, 1};

  TwoTiles() {
    for (Cells* cells : {&owners, &neighbours}) {
      for (int x = 0; x < kSide; ++x) {
        cells->height.view().at(x, 0) = cells == &owners ? 10 : 12;
        cells->weight.view().at(x, 0) = 1;
        cells->count.view().at(x, 0) = cells == &owners ? 3 : 5;
      }
    }
  }
  void blend() {
    blendTiles({{0, 0, true, ownerFeather.data(), down.data(), owners.views()}, {0, 0, false, neighbourFeather.data(), down.data(), neighbours.views()}},
               {3, 1, kDeadTile}, {height.view(), confidence.view(), count.view(), spread.view(), reason.view()});
  }
};

// owner      1 1 0 0 1 1      the owner leads nowhere without a feather, and one tile alone isn't taken there either
// neighbour  0 1 1 0 0 1
TEST(BlendTiles, GivesATileNoSayWhereItHasNoFeather) {
  TwoTiles t;
  for (int x = 0; x < kSide; ++x) {
    t.ownerFeather[static_cast<size_t>(x)] = x % 6 == 2 || x % 6 == 3 ? 0 : 1;
    t.neighbourFeather[static_cast<size_t>(x)] = x % 6 == 1 || x % 6 == 2 || x % 6 == 5 ? 1 : 0;
  }
  t.blend();
  constexpr float kExpected[] = {10, 11, 12, kNoHeight, 10, 11};
  constexpr int kCounts[] = {3, 3, 5, 0, 3, 3};
  for (int x = 0; x < kSide; ++x) {
    EXPECT_EQ(t.height.view().at(x, 0), kExpected[x % 6]) << x;
    EXPECT_EQ(t.count.view().at(x, 0), kCounts[x % 6]) << x;
    EXPECT_EQ(t.reason.view().at(x, 0), x % 6 == 3 ? kDeadTile : kHasHeight) << x;
  }
}

TEST(BlendTiles, LeavesOutCellsOfInfiniteWeightAndCountsThatAreNone) {
  TwoTiles t;
  for (int x = 0; x < kSide; x += 2) t.owners.weight.view().at(x, 0) = std::numeric_limits<float>::infinity();
  t.owners.count.view().at(1, 0) = kNaN;
  t.owners.count.view().at(3, 0) = -7;
  t.owners.count.view().at(5, 0) = 1e9F;
  t.blend();
  for (int x = 0; x < kSide; ++x) EXPECT_EQ(t.height.view().at(x, 0), x % 2 == 0 ? 12 : 11) << x;
  EXPECT_EQ(t.count.view().at(1, 0), 0);
  EXPECT_EQ(t.count.view().at(3, 0), 0);
  EXPECT_EQ(t.count.view().at(5, 0), 65535);
}

TEST(FusePairs, LeavesOutWeightsThatAreInfinite) {
  Cells pair = randomCells(1), fused;
  pair.height.view().at(0, 0) = pair.height.view().at(1, 0) = 50;
  pair.weight.view().at(0, 0) = std::numeric_limits<float>::infinity();
  pair.weight.view().at(1, 0) = 1;
  fusePairs({pair.views(), pair.views()}, fused.outputs());
  EXPECT_EQ(fused.weight.view().at(0, 0), 0);
  EXPECT_EQ(fused.weight.view().at(1, 0), 2);
  EXPECT_EQ(fused.height.view().at(1, 0), 50);
}

// A row of merged cells of its own.
struct Out {
  std::vector<float> height;
  std::vector<uint16_t> confidence, count, spread, reason;
  explicit Out(size_t n) : height(n), confidence(n), count(n), spread(n), reason(n) {}
  MergedRow row() { return {height.data(), confidence.data(), count.data(), spread.data(), reason.data()}; }
  bool operator==(const Out&) const = default;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float odd[] = {kNaN, kInfinity, -kInfinity, 0, -1, 1e30F, 300, 255.99F, 70000, 0.5F / kUnitSteps, 1.5F / kUnitSteps};

// Rows around a vector's length; NaN, infinities and values beyond what is kept in every place.
TEST(TakeCells, EqualsItsTwin) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> unit(0, 2);
  for (const int cells : {1, 5, 16, 37, 300}) {
    const auto row = [&] {
      std::vector<float> values(static_cast<size_t>(cells));
      for (float& value : values) value = random() % 4 == 0 ? odd[random() % std::size(odd)] : unit(random);
      return values;
    };
    const std::vector<float> height = row(), weight = row(), spread = row();
    std::vector<float> count = row();
    for (float& value : count) value = value > 0 && value < 3 ? static_cast<float>(random() % 100000) : value;
    Out expected(height.size());
    const PartialRow in{height.data(), weight.data(), spread.data(), count.data()};
    takeCellsReference(in, cells, 1.5F, kDeadTile, expected.row());
    onEveryTarget([&] {
      Out out(height.size());
      takeCells(in, cells, 1.5F, kDeadTile, out.row());
      EXPECT_TRUE(out == expected) << cells;
    });
  }
}

TEST(BlendTwo, EqualsItsTwin) {
  std::mt19937 random(4);
  std::uniform_real_distribution<float> unit(0, 2);
  for (int round = 0; round < 60; ++round) {
    const int cells = 1 + static_cast<int>(random() % 40);
    const auto n = static_cast<size_t>(cells);
    struct Tile {
      std::vector<float> height, weight, spread, count;
      std::vector<double> feather;
      FeatheredRow row(double rowFeather, bool isOwner) const { return {{height.data(), weight.data(), spread.data(), count.data()}, feather.data(), rowFeather, isOwner}; }
    };
    const auto tile = [&] {
      const auto row = [&] {
        std::vector<float> values(n);
        for (float& value : values) value = random() % 6 == 0 ? odd[random() % std::size(odd)] : unit(random);
        return values;
      };
      Tile made{row(), row(), row(), row(), std::vector<double>(n)};
      for (double& value : made.feather) value = (1 + static_cast<double>(random() % 8)) / 8;
      return made;
    };
    const Tile a = tile(), b = tile();
    const int owner = round % 3;  // neither, the first, the second
    const FeatheredRow first = a.row(0.75, owner == 1), second = b.row(round % 2 == 0 ? 0.75 : 0.25, owner == 2);
    Out expected(n);
    blendTwoReference(first, second, cells, 0.8, 0.9, kDeadTile, expected.row());
    onEveryTarget([&] {
      Out out(n);
      blendTwo(first, second, cells, 0.8, 0.9, kDeadTile, out.row());
      EXPECT_TRUE(out == expected) << "round " << round;
    });
  }
}

TEST(FusePairs, AveragesByWeightAndTakesDifferencesAsSpread) {
  std::vector<Cells> pairs;
  for (uint32_t i = 0; i < 3; ++i) pairs.push_back(randomCells(20 + i));
  Cells fused;
  fusePairs({pairs[0].views(), pairs[1].views(), pairs[2].views()}, fused.outputs());
  for (int y = 0; y < kReach; ++y) {
    for (int x = 0; x < kReach; ++x) {
      double weights = 0, heights = 0, squares = 0, points = 0;
      for (const Cells& pair : pairs) {
        const double weight = pair.weight.view().at(x, y), h = pair.height.view().at(x, y), s = pair.spread.view().at(x, y);
        if (weight <= 0) continue;
        weights += weight;
        heights += weight * h;
        squares += weight * ((s > 0 ? s * s : 0) + h * h);
        points += pair.count.view().at(x, y);
      }
      ASSERT_NEAR(fused.weight.view().at(x, y), weights, 1e-6);
      if (weights == 0) continue;
      const double mean = heights / weights;
      EXPECT_NEAR(fused.height.view().at(x, y), mean, 1e-5);
      EXPECT_NEAR(fused.spread.view().at(x, y), std::sqrt(std::max(0.0, squares / weights - mean * mean)), 2e-4);
      EXPECT_EQ(fused.count.view().at(x, y), points);
    }
  }
}

}  // namespace
}  // namespace altiplano
