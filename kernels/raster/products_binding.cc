// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "napi_raster.h"
#include "product_cogs.h"

namespace altiplano::raster {
namespace {

std::vector<std::vector<double>> ringsOf(const Napi::Value& value) {
  std::vector<std::vector<double>> rings;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Float64Array ring = list.Get(i).As<Napi::Float64Array>();
    rings.emplace_back(ring.Data(), ring.Data() + ring.ElementLength());
  }
  return rings;
}

// writeProductCogs(spec): see NativeProducts in native.ts.
Napi::Value writeProducts(const Napi::CallbackInfo& info, Session&) {
  const Napi::Env env = info.Env();
  const Napi::Object object = info[0].As<Napi::Object>();
  ProductSpec spec;
  spec.merged = textOf(object.Get("merged"));
  spec.cells = textOf(object.Get("cells"));
  const Napi::Int32Array owned = object.Get("owned").As<Napi::Int32Array>();
  for (size_t at = 0; at + 5 <= owned.ElementLength(); at += 5) {
    const int32_t* five = owned.Data() + at;
    spec.owned.push_back({{five[0], five[1], five[2], five[3]}, static_cast<uint16_t>(five[4])});
  }
  spec.rect = rectOf(object.Get("rect")).value_or(Rect{});
  spec.originE = binding::numberAt(object, "originE");
  spec.originN = binding::numberAt(object, "originN");
  spec.resolution = binding::numberAt(object, "resolution");
  spec.geoid = textOf(object.Get("geoid"));
  spec.crs = textOf(object.Get("crs"));
  spec.roi = ringsOf(object.Get("roi"));
  spec.seen = ringsOf(object.Get("seen"));
  spec.binsFrom = static_cast<float>(binding::numberAt(object, "binsFrom"));
  spec.binsTo = static_cast<float>(binding::numberAt(object, "binsTo"));
  spec.bins = binding::intAt(object, "bins");
  spec.scratch = textOf(object.Get("scratch"));
  spec.threads = binding::intAt(object, "threads");
  const Napi::Array files = object.Get("files").As<Napi::Array>();
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    const Napi::Object file = files.Get(layer).As<Napi::Object>();
    spec.paths[layer] = textOf(file.Get("path"));
    spec.files[layer] = geoTiffSpecOf(file.Get("spec").As<Napi::Object>());
  }

  const ProductTally tally = writeProductCogs(spec);
  Napi::Object out = Napi::Object::New(env);
  Napi::Array reasons = Napi::Array::New(env);
  for (uint32_t i = 0; i < kReasons; ++i) reasons.Set(i, static_cast<double>(tally.reasons[i]));
  out.Set("reasons", reasons);
  const auto metres = [](double steps) { return steps / kHeightSteps; };
  const auto steps = [](double value) { return value / kUnitSteps; };
  out.Set("sumHeight", metres(static_cast<double>(tally.heights)));
  out.Set("sumConfidence", steps(static_cast<double>(tally.confidences)));
  out.Set("sumSpread", steps(static_cast<double>(tally.spreads)));
  out.Set("minHeight", metres(tally.minHeight));
  out.Set("maxHeight", metres(tally.maxHeight));
  out.Set("maxSpread", steps(tally.maxSpread));
  out.Set("maxCount", tally.maxCount);
  out.Set("points", static_cast<double>(tally.points));
  auto bins = Napi::Float64Array::New(env, tally.bins.size());
  for (size_t i = 0; i < tally.bins.size(); ++i) bins[i] = static_cast<double>(tally.bins[i]);
  out.Set("bins", bins);
  return out;
}

}  // namespace

void registerProducts(Napi::Env env, Napi::Object exports, Session* session) {
  exportFunction<writeProducts>(env, exports, "writeProductCogs", session);
}

}  // namespace altiplano::raster
