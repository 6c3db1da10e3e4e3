// SPDX-License-Identifier: Apache-2.0
// Arguments that several bindings on the way from disparities to the ground share.
#ifndef ALTIPLANO_BINDING_GROUND_ARGS_H_
#define ALTIPLANO_BINDING_GROUND_ARGS_H_

#include <napi.h>

#include "args.h"
#include "drop_outliers.h"
#include "rasterize.h"

namespace altiplano::binding {

// null: a prior of no cells.
inline HeightPrior heightPriorOf(const Napi::Value& value) {
  if (!value.IsObject()) return {{}, {}, 0, 0, 1};
  const Napi::Object prior = value.As<Napi::Object>(), grid = objectAt(prior, "grid");
  const int columns = intAt(grid, "width"), rows = intAt(grid, "height");
  return {imageAt<float>(prior, "low", columns, rows), imageAt<float>(prior, "high", columns, rows),
          numberAt(grid, "originE"), numberAt(grid, "originN"), numberAt(grid, "resolution")};
}

inline OutlierLimits outlierLimitsOf(const Napi::Object& limits) {
  return {numberAt(limits, "lowM"), numberAt(limits, "highM"), numberAt(limits, "slackM"), numberAt(limits, "towerM"),
          numberAt(limits, "searchedM")};
}

inline RasterizeOptions rasterizeOptionsOf(const Napi::Object& options) {
  return {numberAt(options, "sigma"), intAt(options, "radius"), numberAt(options, "stepM")};
}

// dsm.height, weight, spread, count, shaped as dsm.grid says.
inline DsmViews dsmViewsOf(const Napi::Object& dsm) {
  const Napi::Object grid = objectAt(dsm, "grid");
  const int width = intAt(grid, "width"), height = intAt(grid, "height");
  return {imageAt<float>(dsm, "height", width, height), imageAt<float>(dsm, "weight", width, height),
          imageAt<float>(dsm, "spread", width, height), imageAt<uint16_t>(dsm, "count", width, height)};
}

}  // namespace altiplano::binding

#endif  // ALTIPLANO_BINDING_GROUND_ARGS_H_
