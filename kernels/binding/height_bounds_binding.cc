// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "height_bounds.h"

namespace altiplano::binding {
namespace {

// { low, high, width, height }
BoundsViews boundsOf(const Napi::Value& value) {
  const Napi::Object object = value.As<Napi::Object>();
  const int width = intAt(object, "width"), height = intAt(object, "height");
  return {imageAt<float>(object, "low", width, height), imageAt<float>(object, "high", width, height)};
}

// localBounds(heights, options, bounds): fills bounds.
void localBoundsNative(const Napi::CallbackInfo& info) {
  const Napi::Object options = info[1].As<Napi::Object>();
  const BoundsViews out = boundsOf(info[2]);
  const size_t cells = static_cast<size_t>(out.low.width) * static_cast<size_t>(out.low.height);
  localBounds(denseView<const float>(arrayOf<float>(info[0], cells, "heights"), out.low.width, out.low.height),
              {intAt(options, "radius"), intAt(options, "stepRadius"), static_cast<float>(numberAt(options, "toleranceM")), intAt(options, "support")}, out);
}

// reduceBounds(bounds, factor, reduced): fills reduced.
void reduceBoundsNative(const Napi::CallbackInfo& info) {
  const BoundsViews in = boundsOf(info[0]);
  reduceBounds({in.low, in.high}, info[1].ToNumber().Int32Value(), boundsOf(info[2]));
}

// fillBounds(bounds, fallbackLow, fallbackHigh, maxDoublings): in place.
void fillBoundsNative(const Napi::CallbackInfo& info) {
  fillBounds(boundsOf(info[0]), info[1].ToNumber().FloatValue(), info[2].ToNumber().FloatValue(), info[3].ToNumber().Int32Value());
}

// widenBounds(bounds, surroundings, factor, { marginM, shareOfSpan, lowest, highest }): in place.
void widenBoundsNative(const Napi::CallbackInfo& info) {
  const Napi::Object options = info[3].As<Napi::Object>();
  const BoundsViews around = boundsOf(info[1]);
  widenBounds(boundsOf(info[0]), {around.low, around.high}, info[2].ToNumber().Int32Value(),
              {numberAt(options, "marginM"), numberAt(options, "shareOfSpan"), numberAt(options, "lowest"), numberAt(options, "highest")});
}

}  // namespace

void registerHeightBounds(Napi::Env env, Napi::Object exports) {
  exports.Set("localBounds", Napi::Function::New<localBoundsNative>(env, "localBounds"));
  exports.Set("reduceBounds", Napi::Function::New<reduceBoundsNative>(env, "reduceBounds"));
  exports.Set("fillBounds", Napi::Function::New<fillBoundsNative>(env, "fillBounds"));
  exports.Set("widenBounds", Napi::Function::New<widenBoundsNative>(env, "widenBounds"));
}

}  // namespace altiplano::binding
