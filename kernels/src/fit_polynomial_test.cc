// SPDX-License-Identifier: Apache-2.0
#include "fit_polynomial.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "polynomial.h"

namespace altiplano {
namespace {

using Numbers = std::vector<double>;

Numbers randomNumbers(size_t count, double low, double high, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Numbers numbers(count);
  for (double& number : numbers) number = uniform(random);
  return numbers;
}

TEST(FitPolynomial, FindsThePolynomialThatItsPointsComeFrom) {
  for (const int inputs : {2, 3}) {
    for (const int degree : {1, 2, 3}) {
      const size_t n = 60;
      const Numbers points = randomNumbers(n * inputs, -500, 900, 1), truth = randomNumbers(inputs * termCount(inputs, degree), -9, 9, 2);
      Numbers frame = {200, 150, 300, 700, 680, 750, 0, 0, 0}, values(n * inputs), found(n * inputs), coefficients(truth.size());
      if (inputs == 2) frame[4] = frame[5] = 0;
      evaluatePolynomial(inputs, degree, frame.data(), truth.data(), points.data(), n, values.data());
      fitPolynomial(inputs, degree, points.data(), values.data(), n, frame.data(), coefficients.data());
      evaluatePolynomial(inputs, degree, frame.data(), coefficients.data(), points.data(), n, found.data());
      for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(found[i], values[i], 1e-9) << inputs << " inputs, degree " << degree;
    }
  }
}

TEST(FitPolynomial, ThreeInputsAreSummedAsARowIs) {
  const size_t n = 40;
  const Numbers points = randomNumbers(3 * n, -2, 2, 3), coefficients = randomNumbers(60, -9, 9, 4);
  const Numbers frame = {1, -1, 0.5, 2, 3, 4, 1000, -1000, 7};
  Poly3 poly;
  std::copy(frame.begin(), frame.end(), poly.off);
  std::copy(coefficients.begin(), coefficients.end(), &poly.coefficients[0][0]);
  Numbers terms(3 * n), rows(3 * n);
  evaluatePolynomial(3, 3, frame.data(), coefficients.data(), points.data(), n, terms.data());
  evaluatePoly3(poly, points.data(), n, rows.data());
  for (size_t i = 0; i < terms.size(); ++i) EXPECT_NEAR(terms[i], rows[i], 1e-11);
}

TEST(FitPolynomial, APointThatIsNotFiniteLeavesNothingFinite) {
  Numbers points = randomNumbers(20, -1, 1, 5), frame(6), coefficients(6);
  const Numbers values = randomNumbers(20, -1, 1, 6);
  points[7] = std::numeric_limits<double>::quiet_NaN();
  fitPolynomial(2, 1, points.data(), values.data(), 10, frame.data(), coefficients.data());
  for (const double c : coefficients) EXPECT_FALSE(std::isfinite(c));
}

TEST(FitPolynomial, PointsOnOneLineDoNotDetermineAPlane) {
  const Numbers points = {0, 0, 1, 0, 2, 0, 3, 0}, values = {1, 1, 2, 2, 3, 3, 4, 4};
  Numbers frame(6), coefficients(6);
  fitPolynomial(2, 1, points.data(), values.data(), 4, frame.data(), coefficients.data());
  EXPECT_EQ(frame[3], 1) << "no extent";
  EXPECT_FALSE(std::isfinite(coefficients[2]) && std::abs(coefficients[2]) < 1e6);
}

}  // namespace
}  // namespace altiplano
