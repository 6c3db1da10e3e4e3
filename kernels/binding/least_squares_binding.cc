// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "least_squares.h"

namespace altiplano::binding {
namespace {

// leastSquares(a, b, rows, columns, sides, x): fills x; a and b are overwritten.
void leastSquaresNative(const Napi::CallbackInfo& info) {
  const int rows = info[2].ToNumber().Int32Value(), columns = info[3].ToNumber().Int32Value(), sides = info[4].ToNumber().Int32Value();
  // Reflectors go down the diagonal: there are as many rows.
  if (columns < 1 || rows < columns || sides < 1) throw Napi::RangeError::New(info.Env(), "Expected 1 to rows columns, and sides");
  const auto numbers = [&](int k, int height, int width, const char* name) {
    return arrayOf<double>(info[k], static_cast<size_t>(height) * static_cast<size_t>(width), name);
  };
  leastSquares(numbers(0, rows, columns, "a"), numbers(1, rows, sides, "b"), rows, columns, sides, numbers(5, columns, sides, "x"));
}

}  // namespace

void registerLeastSquares(Napi::Env env, Napi::Object exports) {
  exports.Set("leastSquares", Napi::Function::New<leastSquaresNative>(env, "leastSquares"));
}

}  // namespace altiplano::binding
