// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "ground_args.h"
#include "rasterize.h"

namespace altiplano::binding {
namespace {

// rasterizeDsm(points, weights, options, dsm): fills dsm.height, weight, spread, count, shaped as dsm.grid says.
void rasterizeNative(const Napi::CallbackInfo& info) {
  const Napi::Object points = info[0].As<Napi::Object>(), options = info[2].As<Napi::Object>();
  const Napi::Object dsm = info[3].As<Napi::Object>(), grid = objectAt(dsm, "grid");
  const size_t n = static_cast<size_t>(intAt(points, "width")) * static_cast<size_t>(intAt(points, "height"));
  const PointArrays arrays{arrayAt<float>(points, "east", n), arrayAt<float>(points, "north", n),
                           arrayAt<float>(points, "up", n), arrayOf<float>(info[1], n, "weights"), n};
  const GridPlace place{numberAt(points, "originE") - numberAt(grid, "originE"),
                        numberAt(grid, "originN") - numberAt(points, "originN"), numberAt(grid, "resolution")};
  rasterizeDsm(arrays, place, rasterizeOptionsOf(options), dsmViewsOf(dsm));
}

// cellsWithPoints(dsm) -> number: of dsm.count, shaped as dsm.grid says.
Napi::Value cellsWithPointsNative(const Napi::CallbackInfo& info) {
  const Napi::Object dsm = info[0].As<Napi::Object>(), grid = objectAt(dsm, "grid");
  return Napi::Number::New(info.Env(), static_cast<double>(cellsWithPoints(imageAt<uint16_t>(dsm, "count", intAt(grid, "width"), intAt(grid, "height")))));
}

}  // namespace

void registerRasterize(Napi::Env env, Napi::Object exports) {
  exports.Set("rasterizeDsm", Napi::Function::New<rasterizeNative>(env, "rasterizeDsm"));
  exports.Set("cellsWithPoints", Napi::Function::New<cellsWithPointsNative>(env, "cellsWithPoints"));
}

}  // namespace altiplano::binding
