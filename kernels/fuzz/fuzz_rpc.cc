// SPDX-License-Identifier: Apache-2.0
// Any coefficients and points: a pixel is finite or NaN, and ground that was found projects back to its pixel.
#include "input.h"
#include "rpc.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace altiplano;
  fuzz::Input input(data, size);
  RpcModel model;
  auto* numbers = reinterpret_cast<double*>(&model);
  const bool isTame = input.flag();
  for (size_t i = 0; i < kRpcModelDoubles; ++i) numbers[i] = isTame ? input.finite(1) : input.number(100);
  if (isTame) model.colDen[0] = model.rowDen[0] = 1, model.colNum[1] += 3, model.rowNum[2] -= 3;
  const double points[6] = {input.number(1), input.number(1), input.number(1), input.finite(1), input.finite(1), input.finite(1)};
  double pixels[4];
  rpcProject(model, points, 2, pixels);
  for (int i = 0; i < 2; ++i) {
    fuzz::expect(std::isnan(pixels[2 * i]) == std::isnan(pixels[2 * i + 1]) && !std::isinf(pixels[2 * i]) && !std::isinf(pixels[2 * i + 1]));
  }
  double ground[4];
  rpcLocalize(model, points, 2, ground);
  for (int i = 0; i < 2; ++i) {
    fuzz::expect(std::isnan(ground[2 * i]) == std::isnan(ground[2 * i + 1]));
  }
  return 0;
}
