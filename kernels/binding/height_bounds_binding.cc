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

// localBounds(heights, width, height, options, { col0, row0 }, threads, bounds): fills bounds, the cells from (col0, row0) on.
void localBoundsNative(const Napi::CallbackInfo& info) {
  const int width = info[1].ToNumber().Int32Value(), height = info[2].ToNumber().Int32Value();
  const Napi::Object options = info[3].As<Napi::Object>(), from = info[4].As<Napi::Object>();
  const size_t cells = static_cast<size_t>(width) * static_cast<size_t>(height);
  localBounds(denseView<const float>(arrayOf<float>(info[0], cells, "heights"), width, height),
              {intAt(options, "radius"), intAt(options, "stepRadius"), static_cast<float>(numberAt(options, "toleranceM")), intAt(options, "support")},
              boundsOf(info[6]), intAt(from, "col0"), intAt(from, "row0"), info[5].ToNumber().Int32Value());
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

// spanOf(bounds, { col0, row0, width, height }, span): fills span with the lowest low and the highest high in the rectangle.
void spanOfNative(const Napi::CallbackInfo& info) {
  const BoundsViews all = boundsOf(info[0]);
  const Napi::Object rect = info[1].As<Napi::Object>();
  const int col0 = intAt(rect, "col0"), row0 = intAt(rect, "row0"), width = intAt(rect, "width"), height = intAt(rect, "height");
  const auto part = [&](ImageView<float> image) { return ImageView<const float>{&image.at(col0, row0), width, height, image.stride}; };
  const HeightSpan span = spanOf({part(all.low), part(all.high)});
  double* const out = arrayOf<double>(info[2], 2, "span");
  out[0] = span.low;
  out[1] = span.high;
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
  exports.Set("spanOf", Napi::Function::New<spanOfNative>(env, "spanOf"));
  exports.Set("widenBounds", Napi::Function::New<widenBoundsNative>(env, "widenBounds"));
}

}  // namespace altiplano::binding
