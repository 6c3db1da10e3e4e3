// SPDX-License-Identifier: Apache-2.0
#include "product_cells.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <random>
#include <vector>

#include "targets_for_test.h"

namespace altiplano {
namespace {

struct Merged {
  std::vector<float> height;
  std::vector<uint16_t> confidence, count, spread, reason;
  explicit Merged(std::vector<float> heights) : height(std::move(heights)) {
    for (const float h : height) {
      reason.push_back(h == kNoHeight ? kNoPoint : kHasHeight);
      confidence.push_back(179);
      count.push_back(65535);
      spread.push_back(32);
    }
  }
  MergedCells cells() const { return {height.data(), confidence.data(), count.data(), spread.data(), reason.data()}; }
  int size() const { return static_cast<int>(height.size()); }
};

struct Product {
  int width, height;
  std::vector<float> dsm, confidence, spread;
  std::vector<uint16_t> count;
  std::vector<uint8_t> validity;
  Product(int w, int h) : width(w), height(h) {
    const auto cells = static_cast<size_t>(w) * h;
    dsm.assign(cells, kNoHeight);
    confidence = spread = dsm;
    count.assign(cells, 0);
    validity.assign(cells, kBeyond);
  }
  ProductViews views() {
    return {denseView(dsm.data(), width, height), denseView(confidence.data(), width, height), denseView(spread.data(), width, height),
            denseView(count.data(), width, height), denseView(validity.data(), width, height)};
  }
  ProductCells cells() { return {dsm.data(), confidence.data(), spread.data(), count.data(), validity.data()}; }
  bool operator==(const Product&) const = default;
};

TEST(ProductCells, RoundsToStepsAndCountsExactly) {
  const Merged merged({100.0004F, kNoHeight, -12.75F, 4321.9F});
  Product out(4, 1);
  ProductTally tally;
  tally.binsFrom = 0;
  tally.binsTo = 100;
  tally.bins.resize(10);
  productCells(merged.cells(), merged.size(), nullptr, {}, out.cells(), tally);
  for (const int cell : {0, 2, 3}) {
    const double height = merged.height[static_cast<size_t>(cell)], published = out.dsm[static_cast<size_t>(cell)];
    EXPECT_LE(std::abs(published - height), 0.5 / kHeightSteps);
    EXPECT_EQ(published * kHeightSteps, std::round(published * kHeightSteps));
  }
  EXPECT_EQ(out.dsm[1], kNoHeight);
  EXPECT_EQ(out.confidence[1], kNoHeight);
  EXPECT_EQ(out.count[1], 0);
  EXPECT_EQ(out.count[0], 65535);
  EXPECT_EQ(tally.reasons[kHasHeight], 3);
  EXPECT_EQ(tally.reasons[kNoPoint], 1);
  EXPECT_EQ(tally.minHeight, -12.75 * kHeightSteps);
  EXPECT_EQ(tally.maxHeight, static_cast<int>(std::lround(4321.9F * kHeightSteps)));
  EXPECT_EQ(tally.heights, static_cast<int64_t>((static_cast<double>(out.dsm[0]) + out.dsm[2] + out.dsm[3]) * kHeightSteps));
  EXPECT_EQ(out.confidence[0], 179.0F / kUnitSteps);
  EXPECT_EQ(tally.confidences, 3 * 179);
  EXPECT_EQ(out.spread[3], 32.0F / kUnitSteps);
  EXPECT_EQ(tally.bins.front(), 1);
  EXPECT_EQ(tally.bins.back(), 2);
}

TEST(ProductCells, SubtractsUndulationsAndSaysWhyACellIsEmpty) {
  const Merged merged({10, 10, kNoHeight, kNoHeight, 10});
  const float undulation[] = {1.5F, -2, 0, 0, 0};
  const uint8_t roi[] = {1, 1, 1, 1, 0}, seen[] = {0, 1, 1, 0, 1};
  Product out(5, 1);
  ProductTally tally;
  productCells(merged.cells(), merged.size(), undulation, {roi, seen}, out.cells(), tally);
  EXPECT_EQ(out.dsm, (std::vector<float>{8.5F, 12, kNoHeight, kNoHeight, kNoHeight}));
  EXPECT_EQ(out.validity, (std::vector<uint8_t>{kHasHeight, kHasHeight, kNoPoint, kOutside, kOutsideRoi}));
}

TEST(ProductTally, OfBlocksIsThatOfAllTheirCellsInAnyOrder) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> metres(-400, 8000);
  ProductTally empty;
  empty.binsFrom = 0;
  empty.binsTo = 5000;
  empty.bins.resize(20);
  std::vector<ProductTally> parts(5, empty);
  ProductTally whole = empty;
  for (ProductTally& part : parts) {
    std::vector<float> heights(257);
    for (float& h : heights) h = random() % 4 == 0 ? kNoHeight : metres(random);
    Product out(257, 1);
    const Merged merged(heights);
    productCells(merged.cells(), 257, nullptr, {}, out.cells(), part);
    productCells(merged.cells(), 257, nullptr, {}, out.cells(), whole);
  }
  ProductTally there = empty, back = empty;
  for (size_t i = 0; i < parts.size(); ++i) {
    there.add(parts[i]);
    back.add(parts[parts.size() - 1 - i]);
  }
  EXPECT_TRUE(there == whole);
  EXPECT_TRUE(back == whole);
}

// Every number of cells around a vector's and a chunk's, heights on both sides of zero and beyond what is published, ties, nothing merged.
TEST(ProductCells, EqualsItsTwin) {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> metres(-500, 9000);
  for (const int size : {1, 7, 16, 63, 512, 513, 1500}) {
    for (const bool hasGeoid : {false, true}) {
      Merged merged(std::vector<float>(static_cast<size_t>(size), 0));
      std::vector<float> undulation(merged.height.size());
      std::vector<uint8_t> roi(merged.height.size()), seen(merged.height.size());
      for (size_t i = 0; i < merged.height.size(); ++i) {
        const bool isTie = random() % 3 == 0;
        merged.height[i] = isTie ? (static_cast<float>(random() % 4000) + 0.5F) / kHeightSteps * (random() % 2 == 0 ? 1 : -1) : metres(random);
        merged.confidence[i] = static_cast<uint16_t>(random() % 257);
        merged.count[i] = static_cast<uint16_t>(random());
        merged.spread[i] = static_cast<uint16_t>(random());
        const unsigned why = random() % 8;
        merged.reason[i] = why == 7 ? kNothing : why > 4 ? uint16_t{kHasHeight} : static_cast<uint16_t>(why);
        undulation[i] = static_cast<float>(random() % 400) / 7 - 30;
        roi[i] = random() % 9 != 0;
        seen[i] = random() % 2;
      }
      ProductTally expectedTally;
      expectedTally.binsFrom = 100;
      expectedTally.binsTo = 4000;
      expectedTally.bins.resize(77);
      const ProductTally empty = expectedTally;
      Product expected(size, 1);
      const float* geoid = hasGeoid ? undulation.data() : nullptr;
      productCellsReference(merged.cells(), size, geoid, {roi.data(), seen.data()}, expected.cells(), expectedTally);
      onEveryTarget([&] {
        ProductTally tally = empty;
        Product out(size, 1);
        productCells(merged.cells(), size, geoid, {roi.data(), seen.data()}, out.cells(), tally);
        EXPECT_TRUE(out == expected) << size;
        EXPECT_TRUE(tally == expectedTally) << size;
      });
    }
  }
}

// A ring with a notch: x 0..10, y 0..10, without x 4..6 above y 5. Cells of 1 m, their centres at .5.
TEST(AddInside, FollowsAConcaveRing) {
  const std::vector<double> ring = {0, 0, 10, 0, 10, 10, 6, 10, 6, 5, 4, 5, 4, 10, 0, 10};
  std::vector<double> crossings;
  std::vector<uint8_t> inside(12, 0);
  addInside(ring, 7.5, -1, 1, 0, 12, crossings, inside.data());
  EXPECT_EQ(inside, (std::vector<uint8_t>{0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0}));
  inside.assign(6, 0);
  addInside(ring, 2.5, -1, 1, 6, 6, crossings, inside.data());
  EXPECT_EQ(inside, (std::vector<uint8_t>{1, 1, 1, 1, 1, 0}));
}

// Centres on the ring itself: its western and northern sides are inside, so that rings side by side share no cell and miss none.
TEST(AddInside, GivesACellOnABorderToOneOfTwoRings) {
  const auto square = [](double west, double south) {
    return std::vector<double>{west, south, west + 3, south, west + 3, south + 10, west, south + 10};
  };
  std::vector<double> crossings;
  const auto insideOf = [&](const std::vector<double>& ring, double north) {
    std::vector<uint8_t> inside(7, 0);
    addInside(ring, north, 0, 1, 0, 7, crossings, inside.data());
    return inside;
  };
  const std::vector<uint8_t> none(7, 0), west = {1, 1, 1, 0, 0, 0, 0}, east = {0, 0, 0, 1, 1, 1, 0};
  EXPECT_EQ(insideOf(square(0.5, 0), 5), west);
  EXPECT_EQ(insideOf(square(3.5, 0), 5), east);
  EXPECT_EQ(insideOf(square(0.5, 0), 10), west);
  EXPECT_EQ(insideOf(square(0.5, 10), 10), none);
}

TEST(HalveProduct, AveragesWhatIsThere) {
  Product fine(4, 2), coarse(2, 1);
  fine.dsm = {1, 2, kNoHeight, kNoHeight,  //
              3, kNoHeight, kNoHeight, kNoHeight};
  fine.count = {4, 2, 0, 0, 3, 0, 0, 0};
  fine.validity = {0, 0, 1, kBeyond, 0, 2, 2, kBeyond};
  halveProduct(fine.views(), coarse.views());
  EXPECT_EQ(coarse.dsm, (std::vector<float>{2, kNoHeight}));
  EXPECT_EQ(coarse.count, (std::vector<uint16_t>{2, 0}));  // 9 / 4 cells; cells beyond the edge don't count
  EXPECT_EQ(coarse.validity, (std::vector<uint8_t>{0, 1}));
}

TEST(HalveProduct, MeansAreWithinHalfAStepOfTheTruth) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> metres(-100, 5000);
  Product fine(64, 64), coarse(32, 32);
  for (float& h : fine.dsm) h = random() % 3 == 0 ? kNoHeight : std::round(metres(random) * kHeightSteps) / kHeightSteps;
  halveProduct(fine.views(), coarse.views());
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      double sum = 0;
      int n = 0;
      for (const int cell : {128 * y + 2 * x, 128 * y + 2 * x + 1, 128 * y + 64 + 2 * x, 128 * y + 65 + 2 * x}) {
        const float h = fine.dsm[static_cast<size_t>(cell)];
        if (h == kNoHeight) continue;
        sum += h;
        ++n;
      }
      const float mean = coarse.dsm[static_cast<size_t>(32 * y + x)];
      if (n == 0) EXPECT_EQ(mean, kNoHeight);
      else EXPECT_NEAR(mean, sum / n, 0.5 / kHeightSteps + 1e-9);
    }
  }
}

// Odd sizes, every number of cells with a value, ties, and edges that only three cells of a block lie inside of.
TEST(HalveProduct, EqualsItsTwin) {
  std::mt19937 random(7);
  for (const int width : {2, 6, 34, 66, 512}) {
    for (const bool hasThrees : {false, true}) {
      const int height = 12;
      Product fine(width, height);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const bool isBeyond = hasThrees ? random() % 9 == 0 : x >= width - 3 || y >= height - 3;
          const bool isHole = isBeyond || random() % 3 == 0;
          const auto steps = [&](int most, int per) { return static_cast<float>(static_cast<int>(random() % static_cast<unsigned>(most)) - most / 8) / static_cast<float>(per); };
          fine.dsm[i] = isHole ? kNoHeight : steps(9 << 20, kHeightSteps);
          fine.confidence[i] = isHole ? kNoHeight : steps(256, kUnitSteps);
          fine.spread[i] = isHole ? kNoHeight : steps(65536, kUnitSteps);
          fine.count[i] = isHole ? 0 : static_cast<uint16_t>(random());
          fine.validity[i] = isBeyond ? kBeyond : static_cast<uint8_t>(isHole ? 1 + random() % 4 : 0);
        }
      }
      Product expected(width / 2, height / 2);
      halveProductReference(fine.views(), expected.views());
      onEveryTarget([&] {
        Product out(width / 2, height / 2);
        halveProduct(fine.views(), out.views());
        EXPECT_TRUE(out == expected) << width;
      });
    }
  }
}

}  // namespace
}  // namespace altiplano
