// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "drop_outliers.h"

namespace altiplano::binding {
namespace {

// dropOutliers(points, prior, limits) -> number: sets what it drops in points.east, north, up to NaN. prior: or null.
Napi::Value dropOutliersNative(const Napi::CallbackInfo& info) {
  const Napi::Object points = info[0].As<Napi::Object>(), limits = info[2].As<Napi::Object>();
  const int width = intAt(points, "width"), height = intAt(points, "height");
  const PointViews views{imageAt<float>(points, "east", width, height), imageAt<float>(points, "north", width, height),
                         imageAt<float>(points, "up", width, height)};
  HeightPrior heights{{}, {}, 0, 0, 1};
  if (info[1].IsObject()) {
    const Napi::Object prior = info[1].As<Napi::Object>(), grid = objectAt(prior, "grid");
    const int columns = intAt(grid, "width"), rows = intAt(grid, "height");
    heights = {imageAt<float>(prior, "low", columns, rows), imageAt<float>(prior, "high", columns, rows),
               numberAt(grid, "originE"), numberAt(grid, "originN"), numberAt(grid, "resolution")};
  }
  const size_t dropped =
      dropOutliers(views, numberAt(points, "originE"), numberAt(points, "originN"), heights,
                   {numberAt(limits, "lowM"), numberAt(limits, "highM"), numberAt(limits, "slackM"),
                    numberAt(limits, "towerM"), numberAt(limits, "searchedM")});
  return Napi::Number::New(info.Env(), static_cast<double>(dropped));
}

}  // namespace

void registerDropOutliers(Napi::Env env, Napi::Object exports) {
  exports.Set("dropOutliers", Napi::Function::New(env, dropOutliersNative, "dropOutliers"));
}

}  // namespace altiplano::binding
