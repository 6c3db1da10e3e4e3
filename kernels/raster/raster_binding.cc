// SPDX-License-Identifier: Apache-2.0
// The door to GDAL: one Session per JavaScript thread, closed when the thread ends.
#include <napi.h>

#include "args.h"
#include "napi_raster.h"

namespace altiplano::raster {

std::optional<Rect> rectOf(const Napi::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const Napi::Object object = value.As<Napi::Object>();
  return Rect{binding::intAt(object, "col0"), binding::intAt(object, "row0"), binding::intAt(object, "width"),
              binding::intAt(object, "height")};
}

WindowRequest windowRequestOf(const Napi::Object& object) {
  WindowRequest request;
  request.path = textOf(object.Get("path"));
  request.band = binding::intAt(object, "band");
  request.rect = rectOf(object.Get("rect"));
  request.overview = binding::intAt(object, "overview");
  request.maskPath = textOf(object.Get("maskPath"));
  return request;
}

Napi::TypedArray newPixels(Napi::Env env, GDALDataType type, size_t count, void** bytes) {
  const auto make = [&]<typename T>(T) -> Napi::TypedArray {
    auto array = binding::newArray<T>(env, count);
    *bytes = array.Data();
    return array;
  };
  switch (type) {
    case GDT_Byte: return make(uint8_t{});
    case GDT_UInt16: return make(uint16_t{});
    case GDT_Int16: return make(int16_t{});
    case GDT_Int32: return make(int32_t{});
    case GDT_Float64: return make(double{});
    default: return make(float{});
  }
}

const void* pixelsOf(const Napi::Value& value, size_t count, GDALDataType* type) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "Expected a typed array of pixels");
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  switch (array.TypedArrayType()) {
    case napi_uint8_array:
    case napi_uint8_clamped_array: *type = GDT_Byte; break;
    case napi_uint16_array: *type = GDT_UInt16; break;
    case napi_int16_array: *type = GDT_Int16; break;
    case napi_int32_array: *type = GDT_Int32; break;
    case napi_float32_array: *type = GDT_Float32; break;
    case napi_float64_array: *type = GDT_Float64; break;
    default: throw Napi::TypeError::New(value.Env(), "Expected uint8, uint16, int16, int32, float32 or float64 pixels");
  }
  if (array.ElementLength() < count) {
    throw Napi::RangeError::New(value.Env(), "Expected " + std::to_string(count) + " pixels but received " +
                                                 std::to_string(array.ElementLength()));
  }
  return static_cast<const uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
}

}  // namespace altiplano::raster

namespace altiplano::binding {

void registerRaster(Napi::Env env, Napi::Object exports) {
  auto* session = new raster::Session();  // owned by the environment: deleted in its cleanup hook
  env.AddCleanupHook([](raster::Session* ended) { delete ended; }, session);
  raster::registerReading(env, exports, session);
  raster::registerWriting(env, exports, session);
  raster::registerPictures(env, exports, session);
  raster::registerProducts(env, exports, session);
}

}  // namespace altiplano::binding
