// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <algorithm>

#include "args.h"
#include "rectify.h"

namespace altiplano::binding {
namespace {

ImageView<const uint8_t> maskAt(const Napi::Object& window, int width, int height) {
  return window.Get("mask").IsNull() ? ImageView<const uint8_t>{} : imageAt<uint8_t>(window, "mask", width, height);
}

ImageFromRect imageFromRectOf(const Napi::Object& poly) {
  ImageFromRect map;
  map.uOff = numberAt(poly, "uOff"), map.uScale = numberAt(poly, "uScale");
  map.vOff = numberAt(poly, "vOff"), map.vScale = numberAt(poly, "vScale");
  const int degree = std::clamp(intAt(poly, "degree"), 1, 3);
  const size_t terms = static_cast<size_t>((degree + 1) * (degree + 2) / 2);
  std::copy_n(arrayAt<double>(poly, "first", terms), terms, map.col);
  std::copy_n(arrayAt<double>(poly, "second", terms), terms, map.row);
  return map;
}

// rectify(window, imageFromRect, rect, extents, data, valid): fills data and valid.
void rectifyNative(const Napi::CallbackInfo& info) {
  const Napi::Object rect = info[2].As<Napi::Object>();
  const int width = intAt(rect, "width"), height = intAt(rect, "height");
  const size_t length = static_cast<size_t>(width) * static_cast<size_t>(height);
  const ImageView<float> out = denseView(arrayOf<float>(info[4], length, "data"), width, height);
  const ImageView<uint8_t> valid = denseView(arrayOf<uint8_t>(info[5], length, "valid"), width, height);
  const int32_t* extents =
      info[3].IsNull() ? nullptr : arrayOf<int32_t>(info[3], 2 * static_cast<size_t>(height), "extents");
  const ImageFromRect map = imageFromRectOf(info[1].As<Napi::Object>());
  const int u0 = intAt(rect, "u0"), v0 = intAt(rect, "v0");
  const Napi::Object window = info[0].As<Napi::Object>();
  const int windowWidth = intAt(window, "width"), windowHeight = intAt(window, "height");
  const auto from = [&]<typename T>(T) {
    rectify<T>({imageAt<T>(window, "data", windowWidth, windowHeight), maskAt(window, windowWidth, windowHeight),
                intAt(window, "col0"), intAt(window, "row0")},
               map, u0, v0, extents, out, valid);
  };
  const Napi::Value data = window.Get("data");
  switch (data.IsTypedArray() ? data.As<Napi::TypedArray>().TypedArrayType() : napi_float64_array) {
    case napi_uint8_array:
      return from(uint8_t{});
    case napi_uint16_array:
      return from(uint16_t{});
    case napi_int16_array:
      return from(int16_t{});
    default:
      return from(float{});  // throws for any other array
  }
}

}  // namespace

void registerRectify(Napi::Env env, Napi::Object exports) {
  exports.Set("rectify", Napi::Function::New<rectifyNative>(env, "rectify"));
}

}  // namespace altiplano::binding
