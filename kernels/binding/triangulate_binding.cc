// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "poly3_args.h"
#include "triangulate.h"

namespace altiplano::binding {
namespace {

// triangulate(map, groundFromRect, points): fills points.east, north, up; map and points share their shape.
void triangulateNative(const Napi::CallbackInfo& info) {
  const Napi::Object map = info[0].As<Napi::Object>(), points = info[2].As<Napi::Object>();
  const int width = intAt(map, "width"), height = intAt(map, "height");
  const PointViews out{imageAt<float>(points, "east", width, height), imageAt<float>(points, "north", width, height),
                       imageAt<float>(points, "up", width, height)};
  triangulate(imageAt<float>(map, "disparity", width, height), intAt(map, "u0"), intAt(map, "v0"), poly3Of(info[1]),
              numberAt(points, "originE"), numberAt(points, "originN"), out);
}

}  // namespace

void registerTriangulate(Napi::Env env, Napi::Object exports) {
  exports.Set("triangulate", Napi::Function::New<triangulateNative>(env, "triangulate"));
}

}  // namespace altiplano::binding
