// SPDX-License-Identifier: Apache-2.0
// What the binding files of the raster door share.
#ifndef ALTIPLANO_RASTER_NAPI_RASTER_H_
#define ALTIPLANO_RASTER_NAPI_RASTER_H_

#include <napi.h>

#include <optional>
#include <string>

#include "gdal_error.h"
#include "read.h"
#include "session.h"
#include "write.h"

namespace altiplano::raster {

using Body = Napi::Value (*)(const Napi::CallbackInfo& info, Session& session);

// A native function that gets this thread's session; RasterFailure becomes an Error with code 'gdal' and path.
template <Body body>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  Session& session = *static_cast<Session*>(info.Data());
  try {
    return body(info, session);
  } catch (const RasterFailure& failure) {
    session.forget(failure.path());
    Napi::Error error = Napi::Error::New(info.Env(), failure.what());
    error.Set("code", Napi::String::New(info.Env(), "gdal"));
    error.Set("path", Napi::String::New(info.Env(), failure.path()));
    throw error;
  }
}

template <Body body>
void exportFunction(Napi::Env env, Napi::Object exports, const char* name, Session* session) {
  exports.Set(name, Napi::Function::New<guarded<body>>(env, name, session));
}

inline std::string textOf(const Napi::Value& value) {
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}
inline int intOf(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

// { col0, row0, width, height } or null.
std::optional<Rect> rectOf(const Napi::Value& value);
// { path, band, rect, overview, maskPath }
WindowRequest windowRequestOf(const Napi::Object& object);
// { width, height, type, bands, noData, crs, geotransform, rpc, metadata, mask, blockSize, compress }: NativeGeoTiff of native.ts.
GeoTiffSpec geoTiffSpecOf(const Napi::Object& object);
// An array of undefined contents for pixels of the type (Byte, UInt16, Int16, Int32, Float32, Float64), and where its bytes are.
Napi::TypedArray newPixels(Napi::Env env, GDALDataType type, size_t count, void** bytes);
// The type and bytes of a typed array with at least `count` elements.
const void* pixelsOf(const Napi::Value& value, size_t count, GDALDataType* type);

void registerReading(Napi::Env env, Napi::Object exports, Session* session);
void registerWriting(Napi::Env env, Napi::Object exports, Session* session);
void registerProducts(Napi::Env env, Napi::Object exports, Session* session);
void registerPictures(Napi::Env env, Napi::Object exports, Session* session);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_NAPI_RASTER_H_
