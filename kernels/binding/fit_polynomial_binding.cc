// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <algorithm>

#include "args.h"
#include "convex_hull.h"
#include "fit_polynomial.h"

namespace altiplano::binding {
namespace {

struct Shape {
  int inputs, degree, terms;
};

Shape shapeOf(const Napi::CallbackInfo& info) {
  const int inputs = info[0].ToNumber().Int32Value(), degree = info[1].ToNumber().Int32Value();
  if (inputs < 2 || inputs > 3 || degree < 1 || degree > 3) throw Napi::RangeError::New(info.Env(), "Expected 2 or 3 inputs and a degree of 1 to 3");
  return {inputs, degree, termCount(inputs, degree)};
}

size_t lengthOf(const Napi::Value& array, const char* name) {
  arrayOf<double>(array, 0, name);
  return array.As<Napi::TypedArray>().ElementLength();
}

// evaluatePolynomial(inputs, degree, frame, coefficients, points) -> Float64Array as long as points.
Napi::Value evaluate(const Napi::CallbackInfo& info) {
  const auto [inputs, degree, terms] = shapeOf(info);
  const double* frame = arrayOf<double>(info[2], 3 * inputs, "frame");
  const double* coefficients = arrayOf<double>(info[3], inputs * terms, "coefficients");
  const size_t n = lengthOf(info[4], "points") / inputs;
  const double* points = arrayOf<double>(info[4], n * inputs, "points");
  auto out = newArray<double>(info.Env(), n * inputs);
  evaluatePolynomial(inputs, degree, frame, coefficients, points, n, out.Data());
  return out;
}

// fitPolynomial(inputs, degree, points, values, frame, coefficients): fills the last two.
void fit(const Napi::CallbackInfo& info) {
  const auto [inputs, degree, terms] = shapeOf(info);
  const size_t n = lengthOf(info[2], "points") / inputs;
  if (n < static_cast<size_t>(terms) || n > 1'000'000) throw Napi::RangeError::New(info.Env(), "Expected as many points as terms, up to a million");
  fitPolynomial(inputs, degree, arrayOf<double>(info[2], n * inputs, "points"), arrayOf<double>(info[3], n * inputs, "values"), n,
                arrayOf<double>(info[4], 3 * inputs, "frame"), arrayOf<double>(info[5], inputs * terms, "coefficients"));
}

// convexHull(pairs) -> Float64Array of pairs.
Napi::Value hull(const Napi::CallbackInfo& info) {
  const size_t n = lengthOf(info[0], "pairs") / 2;
  const double* pairs = arrayOf<double>(info[0], 2 * n, "pairs");
  std::vector<PlanePoint> points(n);
  for (size_t i = 0; i < n; ++i) points[i] = {pairs[2 * i], pairs[2 * i + 1]};
  const std::vector<PlanePoint> corners = convexHull(std::move(points));
  auto out = newArray<double>(info.Env(), 2 * corners.size());
  for (size_t i = 0; i < corners.size(); ++i) {
    out[2 * i] = corners[i].x;
    out[2 * i + 1] = corners[i].y;
  }
  return out;
}

}  // namespace

void registerFitPolynomial(Napi::Env env, Napi::Object exports) {
  exports.Set("evaluatePolynomial", Napi::Function::New<evaluate>(env, "evaluatePolynomial"));
  exports.Set("fitPolynomial", Napi::Function::New<fit>(env, "fitPolynomial"));
  exports.Set("convexHull", Napi::Function::New<hull>(env, "convexHull"));
}

}  // namespace altiplano::binding
