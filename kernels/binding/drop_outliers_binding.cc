// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "drop_outliers.h"
#include "ground_args.h"

namespace altiplano::binding {
namespace {

// dropOutliers(points, prior, limits) -> number: sets what it drops in points.east, north, up to NaN. prior: or null.
Napi::Value dropOutliersNative(const Napi::CallbackInfo& info) {
  const Napi::Object points = info[0].As<Napi::Object>(), limits = info[2].As<Napi::Object>();
  const int width = intAt(points, "width"), height = intAt(points, "height");
  const PointViews views{imageAt<float>(points, "east", width, height), imageAt<float>(points, "north", width, height),
                         imageAt<float>(points, "up", width, height)};
  const size_t dropped = dropOutliers(views, numberAt(points, "originE"), numberAt(points, "originN"),
                                      heightPriorOf(info[1]), outlierLimitsOf(limits));
  return Napi::Number::New(info.Env(), static_cast<double>(dropped));
}

}  // namespace

void registerDropOutliers(Napi::Env env, Napi::Object exports) {
  exports.Set("dropOutliers", Napi::Function::New(env, dropOutliersNative, "dropOutliers"));
}

}  // namespace altiplano::binding
