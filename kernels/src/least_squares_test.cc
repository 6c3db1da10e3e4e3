// SPDX-License-Identifier: Apache-2.0
#include "least_squares.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace altiplano {
namespace {

using Numbers = std::vector<double>;

Numbers randomNumbers(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Numbers numbers(count);
  for (double& number : numbers) number = uniform(random);
  return numbers;
}

TEST(LeastSquares, FindsWhatTheRightSidesWereMadeOf) {
  constexpr int kRows = 40, kColumns = 7, kSides = 3;
  Numbers a = randomNumbers(kRows * kColumns, 1), b(kRows * kSides), x(kColumns * kSides);
  const Numbers truth = randomNumbers(kColumns * kSides, 2);
  for (int i = 0; i < kRows; ++i) {
    for (int s = 0; s < kSides; ++s) {
      for (int k = 0; k < kColumns; ++k) b[i * kSides + s] += a[i * kColumns + k] * truth[k * kSides + s];
    }
  }
  leastSquares(a.data(), b.data(), kRows, kColumns, kSides, x.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], truth[i], 1e-13);
}

TEST(LeastSquares, EqualsItsTwin) {
  for (const auto& [rows, columns, sides] : {std::array{1, 1, 1}, {5, 5, 1}, {9, 4, 2}, {81, 3, 3}, {100, 20, 3}, {37, 15, 17}}) {
    const Numbers a = randomNumbers(rows * columns, rows), b = randomNumbers(rows * sides, columns);
    Numbers fastA = a, fastB = b, slowA = a, slowB = b, fast(columns * sides), slow(columns * sides);
    leastSquares(fastA.data(), fastB.data(), rows, columns, sides, fast.data());
    leastSquaresReference(slowA.data(), slowB.data(), rows, columns, sides, slow.data());
    EXPECT_EQ(fast, slow) << rows << " x " << columns;
  }
}

TEST(LeastSquares, DependentColumnsGiveNoFiniteSolution) {
  Numbers a = {1, 1, 1, 1, 1, 1}, b = {1, 2, 3}, x(2);
  leastSquares(a.data(), b.data(), 3, 2, 1, x.data());
  EXPECT_FALSE(std::isfinite(x[0]) && std::isfinite(x[1]));
}

}  // namespace
}  // namespace altiplano
