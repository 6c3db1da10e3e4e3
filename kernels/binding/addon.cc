// SPDX-License-Identifier: Apache-2.0
// Collects what every binding/<name>_binding.cc and raster/raster_binding.cc registers into one addon.
#include <napi.h>

#include <memory>

#include "array_pool.h"
#include "match.h"
#include "sources_hash.h"

namespace altiplano::binding {
void registerRpc(Napi::Env env, Napi::Object exports);
void registerRectify(Napi::Env env, Napi::Object exports);
void registerMatch(Napi::Env env, Napi::Object exports, const std::shared_ptr<MatchMemory>& memory);
void registerMatchPoints(Napi::Env env, Napi::Object exports);
void registerTriangulate(Napi::Env env, Napi::Object exports);
void registerDropOutliers(Napi::Env env, Napi::Object exports);
void registerRasterize(Napi::Env env, Napi::Object exports);
void registerDsmFromDisparity(Napi::Env env, Napi::Object exports, const std::shared_ptr<MatchMemory>& memory);
void registerSearchRange(Napi::Env env, Napi::Object exports);
void registerMergeBlock(Napi::Env env, Napi::Object exports);
void registerHeightBounds(Napi::Env env, Napi::Object exports);
void registerRelease(Napi::Env env, Napi::Object exports);
void registerLeastSquares(Napi::Env env, Napi::Object exports);
void registerFitPolynomial(Napi::Env env, Napi::Object exports);
void registerThreadCpu(Napi::Env env, Napi::Object exports);
void registerSimdTarget(Napi::Env env, Napi::Object exports);
void registerRaster(Napi::Env env, Napi::Object exports);
}  // namespace altiplano::binding

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace altiplano::binding;
  // Each thread has its own, which last as long as its environment.
  env.SetInstanceData(new ArrayPool());
  const auto memory = std::make_shared<altiplano::MatchMemory>();
  registerRpc(env, exports);
  registerRectify(env, exports);
  registerMatch(env, exports, memory);
  registerMatchPoints(env, exports);
  registerTriangulate(env, exports);
  registerDropOutliers(env, exports);
  registerRasterize(env, exports);
  registerDsmFromDisparity(env, exports, memory);
  registerSearchRange(env, exports);
  registerMergeBlock(env, exports);
  registerHeightBounds(env, exports);
  registerRelease(env, exports);
  registerLeastSquares(env, exports);
  registerFitPolynomial(env, exports);
  registerThreadCpu(env, exports);
  registerSimdTarget(env, exports);
  registerRaster(env, exports);
  exports.Set("sourcesHash", ALTIPLANO_SOURCES_SHA256);
  return exports;
}

NODE_API_MODULE(altiplano_kernels, init)
