// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <cstring>
#include <memory>
#include <span>

#include "args.h"
#include "match.h"
#include "median.h"
#include "speckle.h"

namespace altiplano::binding {
namespace {

MatchImage matchImageAt(const Napi::Object& block) {
  const int width = intAt(block, "width"), height = intAt(block, "height");
  return {imageAt<float>(block, "data", width, height), imageAt<uint8_t>(block, "valid", width, height)};
}

// A new DisparityMap object at the place of `block`, and the views of its arrays.
struct NewMap {
  Napi::Object object;
  DisparityViews views;
};

NewMap newMap(Napi::Env env, const Napi::Object& block) {
  const int width = intAt(block, "width"), height = intAt(block, "height");
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  auto disparity = newArray<float>(env, pixels);
  auto validity = newArray<uint16_t>(env, pixels);
  auto confidence = newArray<float>(env, pixels);
  Napi::Object map = Napi::Object::New(env);
  for (const char* name : {"u0", "v0", "width", "height"}) map.Set(name, block.Get(name));
  map.Set("disparity", disparity);
  map.Set("validity", validity);
  map.Set("confidence", confidence);
  return {map,
          {denseView(disparity.Data(), width, height), denseView(validity.Data(), width, height),
           denseView(confidence.Data(), width, height)}};
}

// matchPair(ref: RectImage, sec: RectImage, range: SearchRange, options): DisparityMap
Napi::Value matchPairBinding(const Napi::CallbackInfo& info, MatchMemory& memory) {
  const Napi::Object ref = info[0].As<Napi::Object>(), sec = info[1].As<Napi::Object>();
  const Napi::Object range = info[2].As<Napi::Object>(), given = info[3].As<Napi::Object>();
  const MatchImage reference = matchImageAt(ref), secondary = matchImageAt(sec);
  const auto low = imageAt<int16_t>(range, "low", reference.data.width, reference.data.height);
  std::span<const uint16_t> rowCounts;
  if (!range.Get("rowCounts").IsNull()) {
    const size_t rows = static_cast<size_t>(reference.data.height);
    rowCounts = {arrayAt<uint16_t>(range, "rowCounts", rows), rows};
  }
  MatchOptions options;
  options.sgm.p1 = intAt(given, "p1");
  options.sgm.p2 = intAt(given, "p2");
  options.disparity.leftRightPx = static_cast<float>(numberAt(given, "leftRightPx"));
  options.edges.specklePx = intAt(given, "specklePx");
  options.refine.iterations = intAt(given, "refineIterations");
  const NewMap map = newMap(info.Env(), ref);
  matchPair(reference, secondary, {low, intAt(range, "count"), rowCounts}, intAt(ref, "u0") - intAt(sec, "u0"), options, memory,
            map.views);
  return map.object;
}

// filterDisparity(map: DisparityMap, options): DisparityMap
Napi::Value filterDisparityBinding(const Napi::CallbackInfo& info) {
  const Napi::Object from = info[0].As<Napi::Object>(), given = info[1].As<Napi::Object>();
  const int width = intAt(from, "width"), height = intAt(from, "height");
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  const NewMap map = newMap(info.Env(), from);
  Image<float> disparity(width, height);
  const DisparityViews work{disparity.view(), map.views.validity, map.views.confidence};
  const float* values = arrayAt<float>(from, "disparity", pixels);
  for (int v = 0; v < height; ++v) {
    std::memcpy(work.disparity.row(v), values + static_cast<size_t>(v) * static_cast<size_t>(width),
                sizeof(float) * static_cast<size_t>(width));
  }
  std::memcpy(work.validity.data, arrayAt<uint16_t>(from, "validity", pixels), sizeof(uint16_t) * pixels);
  std::memcpy(work.confidence.data, arrayAt<float>(from, "confidence", pixels), sizeof(float) * pixels);
  removeSpeckles(work, intAt(given, "specklePx"), static_cast<float>(numberAt(given, "speckleStepPx")));
  medianFilter(work.disparity, intAt(given, "medianSize"), map.views.disparity);
  return map.object;
}

}  // namespace

void registerMatch(Napi::Env env, Napi::Object exports, const std::shared_ptr<MatchMemory>& memory) {
  exports.Set("matchPair", Napi::Function::New(env, [memory](const Napi::CallbackInfo& info) {
                return matchPairBinding(info, *memory);
              }));
  exports.Set("filterDisparity", Napi::Function::New(env, filterDisparityBinding));
}

}  // namespace altiplano::binding
