// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <memory>

#include "args.h"
#include "dsm_from_disparity.h"
#include "ground_args.h"
#include "match.h"
#include "poly3_args.h"

namespace altiplano::binding {
namespace {

// dsmFromDisparity(map, groundFromRect, prior, limits, options, dsm) -> number: fills dsm, says how many points were dropped.
Napi::Value dsmFromDisparityNative(const Napi::CallbackInfo& info, BigBuffer& memory) {
  const Napi::Object map = info[0].As<Napi::Object>(), dsm = info[5].As<Napi::Object>(), grid = objectAt(dsm, "grid");
  const int width = intAt(map, "width"), height = intAt(map, "height");
  const Poly3 groundFromRect = poly3Of(info[1]);
  const DisparityBlock block{imageAt<float>(map, "disparity", width, height),
                             imageAt<float>(map, "confidence", width, height), intAt(map, "u0"), intAt(map, "v0"),
                             groundFromRect};
  const size_t dropped = dsmFromDisparity(
      block, {numberAt(grid, "originE"), numberAt(grid, "originN"), numberAt(grid, "resolution")},
      heightPriorOf(info[2]), outlierLimitsOf(info[3].As<Napi::Object>()),
      rasterizeOptionsOf(info[4].As<Napi::Object>()), memory, dsmViewsOf(dsm));
  return Napi::Number::New(info.Env(), static_cast<double>(dropped));
}

}  // namespace

void registerDsmFromDisparity(Napi::Env env, Napi::Object exports, const std::shared_ptr<MatchMemory>& memory) {
  // The volume, which matching has done with and keeps.
  exports.Set("dsmFromDisparity", Napi::Function::New(env, [memory](const Napi::CallbackInfo& info) {
                return dsmFromDisparityNative(info, memory->volume);
              }, "dsmFromDisparity"));
}

}  // namespace altiplano::binding
