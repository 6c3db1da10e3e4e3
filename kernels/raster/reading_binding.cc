// SPDX-License-Identifier: Apache-2.0
#include <cpl_string.h>
#include <napi.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "args.h"
#include "mapped.h"
#include "napi_raster.h"
#include "sample.h"

namespace altiplano::raster {
namespace {

Napi::Value textOrNull(Napi::Env env, const char* text) {
  return text == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, text));
}

Napi::Object namesAndValues(Napi::Env env, char** list) {
  Napi::Object object = Napi::Object::New(env);
  for (char** item = list; item != nullptr && *item != nullptr; ++item) {
    char* key = nullptr;
    const char* value = CPLParseNameValue(*item, &key);
    if (key != nullptr && value != nullptr) object.Set(key, value);
    CPLFree(key);
  }
  return object;
}

// openInfo(path, alone): see RasterInfo in info.ts.
Napi::Value openInfo(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Env env = info.Env();
  const std::string path = textOf(info[0]);
  const bool alone = info[1].ToBoolean();
  DatasetPtr own;
  if (alone) own = openRaster(path, true);
  GDALDataset& dataset = own ? *own : session.open(path);
  const ErrorScope errors;
  if (dataset.GetRasterCount() == 0) throw RasterFailure(path, "has no raster bands");
  Napi::Object out = Napi::Object::New(env);
  out.Set("driver", dataset.GetDriverName());
  out.Set("width", dataset.GetRasterXSize());
  out.Set("height", dataset.GetRasterYSize());
  Napi::Array bands = Napi::Array::New(env);
  for (int i = 1; i <= dataset.GetRasterCount(); ++i) {
    GDALRasterBand* band = dataset.GetRasterBand(i);
    int hasNoData = FALSE;
    const double noData = band->GetNoDataValue(&hasNoData);
    Napi::Object one = Napi::Object::New(env);
    const GDALDataType type = band->GetRasterDataType();
    one.Set("type", type == GDT_Byte ? std::string("uint8") : std::string(CPLString(GDALGetDataTypeName(type)).tolower()));
    one.Set("noData", hasNoData ? Napi::Value(Napi::Number::New(env, noData)) : env.Null());
    one.Set("description", band->GetDescription());
    bands.Set(static_cast<uint32_t>(i - 1), one);
  }
  out.Set("bands", bands);
  const OGRSpatialReference* crs = dataset.GetSpatialRef();
  out.Set("crs", crs == nullptr || crs->IsEmpty() ? env.Null() : Napi::Value(Napi::String::New(env, formatCrs(*crs))));
  double geotransform[6];
  if (dataset.GetGeoTransform(geotransform) == CE_None) {
    Napi::Array values = Napi::Array::New(env, 6);
    for (uint32_t i = 0; i < 6; ++i) values.Set(i, geotransform[i]);
    out.Set("geotransform", values);
  } else {
    out.Set("geotransform", env.Null());
  }
  GDALRasterBand* first = dataset.GetRasterBand(1);
  const int flags = first->GetMaskFlags();
  out.Set("hasMask", Napi::Boolean::New(env, (flags & GMF_ALL_VALID) == 0 && flags != GMF_NODATA));
  Napi::Array overviews = Napi::Array::New(env);
  for (int i = 0; i < first->GetOverviewCount(); ++i) {
    GDALRasterBand* overview = first->GetOverview(i);
    Napi::Object size = Napi::Object::New(env);
    size.Set("width", overview->GetXSize());
    size.Set("height", overview->GetYSize());
    overviews.Set(static_cast<uint32_t>(i), size);
  }
  out.Set("overviews", overviews);
  int blockWidth = 0;
  int blockHeight = 0;
  first->GetBlockSize(&blockWidth, &blockHeight);
  Napi::Object block = Napi::Object::New(env);
  block.Set("width", blockWidth);
  block.Set("height", blockHeight);
  out.Set("blockSize", block);
  out.Set("isTiled", Napi::Boolean::New(env, blockWidth < dataset.GetRasterXSize()));
  out.Set("compression", textOrNull(env, dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")));
  const CPLStringList names(dataset.GetFileList(), TRUE);
  Napi::Array files = Napi::Array::New(env);
  for (int i = 0; i < names.size(); ++i) files.Set(static_cast<uint32_t>(i), names[i]);
  out.Set("files", files);
  out.Set("metadata", namesAndValues(env, dataset.GetMetadata()));
  char** rpc = dataset.GetMetadata("RPC");
  out.Set("rpcMetadata", rpc == nullptr ? env.Null() : Napi::Value(namesAndValues(env, rpc)));
  return out;
}

Napi::Value readWindow(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Env env = info.Env();
  const Window window = openWindow(session, windowRequestOf(info[0].As<Napi::Object>()));
  void* bytes = nullptr;
  Napi::TypedArray data = newPixels(env, window.type, window.pixels(), &bytes);
  readPixels(window, bytes);
  Napi::Object out = Napi::Object::New(env);
  out.Set("data", data);
  out.Set("mask", env.Null());
  if (mayHaveInvalid(window) || window.type == GDT_Float32) {
    auto mask = binding::newArray<uint8_t>(env, window.pixels());
    if (!readValidity(window, bytes, mask.Data())) out.Set("mask", mask);
  }
  out.Set("col0", window.rect.col0);
  out.Set("row0", window.rect.row0);
  out.Set("width", window.rect.width);
  out.Set("height", window.rect.height);
  return out;
}

// readBands(path, rect, bands, into): one Float32Array per band number, NaN where not valid; no numbers = all bands. An array
// of `into` that has as many elements as the window has pixels is filled instead of a new one.
Napi::Value readBands(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Env env = info.Env();
  WindowRequest request;
  request.path = textOf(info[0]);
  request.rect = rectOf(info[1]);
  const Napi::Array wanted = info[2].As<Napi::Array>(), into = info[3].As<Napi::Array>();
  const uint32_t count = wanted.Length() > 0 ? wanted.Length() : static_cast<uint32_t>(session.open(request.path).GetRasterCount());
  Napi::Array out = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; ++i) {
    request.band = wanted.Length() > 0 ? intOf(wanted.Get(i)) : static_cast<int>(i) + 1;
    Window window = openWindow(session, request);
    window.type = GDT_Float32;
    const Napi::Value given = into.Get(i);
    const bool fits = given.IsTypedArray() && given.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array &&
                      given.As<Napi::TypedArray>().ElementLength() == window.pixels();
    Napi::Float32Array data = fits ? given.As<Napi::Float32Array>() : Napi::Float32Array::New(env, window.pixels());
    readPixels(window, data.Data());
    markInvalid(window, data.Data());
    out.Set(i, data);
  }
  return out;
}

// bandLayout(path): { width, height, offsets } of a raster of float32 bands that each lie in one run, else null.
Napi::Value bandLayout(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Env env = info.Env();
  const std::optional<PixelLayout> layout = pixelLayout(session, textOf(info[0]));
  if (!layout || layout->type != GDT_Float32) return env.Null();
  const std::vector<uint64_t> starts = wholeBands(*layout);
  if (starts.empty()) return env.Null();
  Napi::Array offsets = Napi::Array::New(env, starts.size());
  for (size_t i = 0; i < starts.size(); ++i) offsets.Set(static_cast<uint32_t>(i), static_cast<double>(starts[i]));
  Napi::Object out = Napi::Object::New(env);
  out.Set("width", layout->width);
  out.Set("height", layout->height);
  out.Set("offsets", offsets);
  return out;
}

// mapFile(path): { buffer, handle }; the buffer must not be written to. unmapFile({ buffer, handle }) takes it away at once, the
// garbage collector when both are gone. The collector counts a buffer's bytes as memory that collecting may free, and so marked the whole heap
// for every few files. These bytes are the system's: what it adds to its count is taken off again.
using Mapping = std::shared_ptr<std::unique_ptr<MappedFile>>;
int64_t bytesOf(const Mapping& mapping) { return *mapping ? static_cast<int64_t>((*mapping)->size()) : 0; }

Napi::Value mapFile(const Napi::CallbackInfo& info, Session&) {
  const Napi::Env env = info.Env();
  const auto mapping = std::make_shared<std::unique_ptr<MappedFile>>(std::make_unique<MappedFile>(textOf(info[0])));
  const auto bufferGone = [](Napi::Env ending, void*, Mapping* ended) {
    Napi::MemoryManagement::AdjustExternalMemory(ending, bytesOf(*ended));
    delete ended;
  };
  Napi::Object out = Napi::Object::New(env);
  out.Set("buffer", Napi::ArrayBuffer::New(env, const_cast<uint8_t*>((*mapping)->data()), (*mapping)->size(), bufferGone, new Mapping(mapping)));
  out.Set("handle", Napi::External<Mapping>::New(env, new Mapping(mapping), [](Napi::Env, Mapping* ended) { delete ended; }));
  Napi::MemoryManagement::AdjustExternalMemory(env, -bytesOf(mapping));
  return out;
}

Napi::Value unmapFile(const Napi::CallbackInfo& info, Session&) {
  const Napi::Object mapped = info[0].As<Napi::Object>();
  const Mapping& mapping = *mapped.Get("handle").As<Napi::External<Mapping>>().Data();
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytesOf(mapping));
  mapped.Get("buffer").As<Napi::ArrayBuffer>().Detach();
  mapping->reset();
  return info.Env().Undefined();
}

// dropCachedFile(path): see dropCached.
Napi::Value dropCachedFile(const Napi::CallbackInfo& info, Session&) {
  dropCached(textOf(info[0]));
  return info.Env().Undefined();
}

// Points as JavaScript gives them, x and y by turns.
struct Points {
  std::vector<double> x, y;
  explicit Points(const Napi::Value& value) {
    const double* numbers = binding::arrayOf<double>(value, 0, "points");
    const size_t count = value.As<Napi::TypedArray>().ElementLength() / 2;
    x.resize(count), y.resize(count);
    for (size_t i = 0; i < count; ++i) x[i] = numbers[2 * i], y[i] = numbers[2 * i + 1];
  }
};

// transformPoints(fromCrs, toCrs, Float64Array 2N): Float64Array 2N, NaN where PROJ can't.
Napi::Value transformPoints(const Napi::CallbackInfo& info, Session& session) {
  auto [x, y] = Points(info[2]);
  project(session.transform(textOf(info[0]), textOf(info[1])), x, y);
  auto out = Napi::Float64Array::New(info.Env(), 2 * x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    out[2 * i] = x[i];
    out[2 * i + 1] = y[i];
  }
  return out;
}

Napi::Value crsInfo(const Napi::CallbackInfo& info, Session&) {
  const Napi::Env env = info.Env();
  const OGRSpatialReference crs = parseCrs(textOf(info[0]));
  OGRSpatialReference horizontal(crs);
  if (horizontal.IsCompound()) horizontal.StripVertical();
  const char* authority = horizontal.GetAuthorityName(nullptr);
  const char* code = horizontal.GetAuthorityCode(nullptr);
  Napi::Object out = Napi::Object::New(env);
  out.Set("isProjected", Napi::Boolean::New(env, crs.IsProjected()));
  out.Set("isGeographic", Napi::Boolean::New(env, crs.IsGeographic()));
  out.Set("isCompound", Napi::Boolean::New(env, crs.IsCompound()));
  out.Set("unitM", crs.IsProjected() ? Napi::Value(Napi::Number::New(env, crs.GetLinearUnits())) : env.Null());
  out.Set("name", textOrNull(env, crs.GetName()));
  out.Set("epsg", authority != nullptr && code != nullptr && EQUAL(authority, "EPSG")
                      ? Napi::Value(Napi::Number::New(env, std::atoi(code)))
                      : env.Null());
  out.Set("wkt", wktOf(crs));
  return out;
}

// sampleRaster(path, band, crsOfPoints, Float64Array 2N): Float64Array N.
Napi::Value sampleRaster(const Napi::CallbackInfo& info, Session& session) {
  auto [x, y] = Points(info[3]);
  auto out = Napi::Float64Array::New(info.Env(), x.size());
  sampleBilinear(session, textOf(info[0]), intOf(info[1]), textOf(info[2]), x, y, out.Data());
  return out;
}

Napi::Value closeAll(const Napi::CallbackInfo& info, Session& session) {
  session.closeAll();
  return info.Env().Undefined();
}

// configureGdal({ option: value })
Napi::Value configureGdal(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Object given = info[0].As<Napi::Object>();
  std::map<std::string, std::string> options;
  const Napi::Array names = given.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = textOf(names.Get(i));
    options[name] = textOf(given.Get(name));
  }
  session.configure(options);
  return info.Env().Undefined();
}

}  // namespace

void registerReading(Napi::Env env, Napi::Object exports, Session* session) {
  exportFunction<openInfo>(env, exports, "openInfo", session);
  exportFunction<readWindow>(env, exports, "readWindow", session);
  exportFunction<readBands>(env, exports, "readBands", session);
  exportFunction<bandLayout>(env, exports, "bandLayout", session);
  exportFunction<mapFile>(env, exports, "mapFile", session);
  exportFunction<unmapFile>(env, exports, "unmapFile", session);
  exportFunction<dropCachedFile>(env, exports, "dropCachedFile", session);
  exportFunction<transformPoints>(env, exports, "transformPoints", session);
  exportFunction<crsInfo>(env, exports, "crsInfo", session);
  exportFunction<sampleRaster>(env, exports, "sampleRaster", session);
  exportFunction<closeAll>(env, exports, "closeAll", session);
  exportFunction<configureGdal>(env, exports, "configureGdal", session);
}

}  // namespace altiplano::raster
