// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <algorithm>

#include "args.h"
#include "cog.h"
#include "napi_raster.h"
#include "plain_tiles.h"
#include "write.h"

namespace altiplano::raster {
namespace {

GDALDataType typeNamed(const Napi::Value& name) {
  const GDALDataType type = GDALGetDataTypeByName(textOf(name).c_str());
  if (type == GDT_Unknown) throw Napi::TypeError::New(name.Env(), "Expected a GDAL pixel type name");
  return type;
}

std::map<std::string, std::string> pairsOf(const Napi::Value& value) {
  std::map<std::string, std::string> pairs;
  if (!value.IsObject()) return pairs;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const Napi::Value key = keys[i];
    pairs[textOf(key)] = textOf(object.Get(key));
  }
  return pairs;
}

}  // namespace

GeoTiffSpec geoTiffSpecOf(const Napi::Object& object) {
  GeoTiffSpec spec;
  spec.width = binding::intAt(object, "width");
  spec.height = binding::intAt(object, "height");
  spec.type = typeNamed(object.Get("type"));
  const Napi::Array bands = object.Get("bands").As<Napi::Array>();
  for (uint32_t i = 0; i < bands.Length(); ++i) {
    const Napi::Object band = bands.Get(i).As<Napi::Object>();
    BandSpec one;
    one.description = textOf(band.Get("description"));
    if (band.Has("data")) {
      one.data = pixelsOf(band.Get("data"), static_cast<size_t>(spec.width) * spec.height, &one.dataType);
    }
    spec.bands.push_back(one);
  }
  if (object.Get("noData").IsNumber()) spec.noData = binding::numberAt(object, "noData");
  spec.crs = textOf(object.Get("crs"));
  if (object.Get("geotransform").IsArray()) {
    const Napi::Array values = object.Get("geotransform").As<Napi::Array>();
    std::array<double, 6> geotransform{};
    for (uint32_t i = 0; i < 6; ++i) geotransform[i] = values.Get(i).ToNumber().DoubleValue();
    spec.geotransform = geotransform;
  }
  spec.rpc = pairsOf(object.Get("rpc"));
  spec.metadata = pairsOf(object.Get("metadata"));
  if (object.Get("mask").IsTypedArray()) {
    GDALDataType type = GDT_Unknown;
    spec.mask = static_cast<const uint8_t*>(pixelsOf(object.Get("mask"), static_cast<size_t>(spec.width) * spec.height, &type));
    if (type != GDT_Byte) throw Napi::TypeError::New(object.Env(), "Expected a Uint8Array for mask");
  }
  spec.blockSize = binding::intAt(object, "blockSize");
  spec.stripRows = binding::intAt(object, "stripRows");
  spec.compress = textOf(object.Get("compress"));
  return spec;
}

namespace {

// writeGeoTiff(path, spec)
Napi::Value writeGeoTiffFile(const Napi::CallbackInfo& info, Session&) {
  writeGeoTiff(textOf(info[0]), geoTiffSpecOf(info[1].As<Napi::Object>()));
  return info.Env().Undefined();
}

// One of the two, until it is closed: what isn't compressed is written past GDAL.
struct TiledWriter {
  std::string path;
  GeoTiffSpec spec;
  DatasetPtr dataset;
  std::unique_ptr<PlainTiles> tiles;
};

// createTiled(path, spec): a handle for writeTiledBlock and closeTiled.
Napi::Value createTiled(const Napi::CallbackInfo& info, Session&) {
  auto writer = std::make_unique<TiledWriter>();
  writer->path = textOf(info[0]);
  writer->spec = geoTiffSpecOf(info[1].As<Napi::Object>());
  writer->spec.sparse = true;
  if (writer->spec.compress == "NONE") {
    writer->tiles = std::make_unique<PlainTiles>(writer->path, writer->spec);
  } else {
    writer->dataset = createGeoTiff(writer->path, writer->spec);
  }
  return Napi::External<TiledWriter>::New(info.Env(), writer.release(),
                                          [](Napi::Env, TiledWriter* ended) { delete ended; });
}

// writeTiledBlock(handle, band, rect, data)
Napi::Value writeTiledBlock(const Napi::CallbackInfo& info, Session&) {
  TiledWriter& writer = *info[0].As<Napi::External<TiledWriter>>().Data();
  if (!writer.dataset && !writer.tiles) throw RasterFailure(writer.path, "is closed already");
  const int band = intOf(info[1]);
  const Rect rect = rectOf(info[2]).value_or(Rect{});
  const int width = writer.spec.width;
  const int height = writer.spec.height;
  if (band < 1 || band > static_cast<int>(writer.spec.bands.size()) || rect.col0 < 0 || rect.row0 < 0 || rect.width < 1 ||
      rect.height < 1 || rect.width > width - rect.col0 || rect.height > height - rect.row0) {
    throw RasterFailure(writer.path, "a block for band " + std::to_string(band) + " at column " +
                                         std::to_string(rect.col0) + ", row " + std::to_string(rect.row0) + " of " +
                                         std::to_string(rect.width) + " x " + std::to_string(rect.height) +
                                         " leaves the raster");
  }
  GDALDataType type = GDT_Unknown;
  const void* data = pixelsOf(info[3], static_cast<size_t>(rect.width) * rect.height, &type);
  if (writer.tiles) {
    writer.tiles->write(band, rect, data, type);
  } else {
    writeBlock(*writer.dataset, writer.path, band, rect, data, type);
  }
  return info.Env().Undefined();
}

// closeTiled(handle)
Napi::Value closeTiled(const Napi::CallbackInfo& info, Session&) {
  TiledWriter& writer = *info[0].As<Napi::External<TiledWriter>>().Data();
  if (writer.dataset) finish(std::move(writer.dataset), writer.path);
  // Closed even where that fails.
  if (const std::unique_ptr<PlainTiles> tiles = std::move(writer.tiles)) tiles->close();
  return info.Env().Undefined();
}

// makeCog(source, target, { overviewResampling, compress, predictor, srcWindow, crs })
Napi::Value makeCogFile(const Napi::CallbackInfo& info, Session&) {
  const Napi::Object object = info[2].As<Napi::Object>();
  CogOptions options;
  options.overviewResampling = textOf(object.Get("overviewResampling"));
  options.compress = textOf(object.Get("compress"));
  options.predictor = textOf(object.Get("predictor"));
  options.srcWindow = rectOf(object.Get("srcWindow"));
  options.crs = textOf(object.Get("crs"));
  makeCog(textOf(info[0]), textOf(info[1]), options);
  return info.Env().Undefined();
}

// ingestImage(request, target)
Napi::Value ingestImageFile(const Napi::CallbackInfo& info, Session& session) {
  ingestImage(session, windowRequestOf(info[0].As<Napi::Object>()), textOf(info[1]));
  return info.Env().Undefined();
}

}  // namespace

void registerWriting(Napi::Env env, Napi::Object exports, Session* session) {
  exportFunction<writeGeoTiffFile>(env, exports, "writeGeoTiff", session);
  exportFunction<createTiled>(env, exports, "createTiled", session);
  exportFunction<writeTiledBlock>(env, exports, "writeTiledBlock", session);
  exportFunction<closeTiled>(env, exports, "closeTiled", session);
  exportFunction<makeCogFile>(env, exports, "makeCog", session);
  exportFunction<ingestImageFile>(env, exports, "ingestImage", session);
}

}  // namespace altiplano::raster
