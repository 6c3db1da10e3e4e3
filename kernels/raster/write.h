// SPDX-License-Identifier: Apache-2.0
// Writing of GeoTIFFs. Callers give a temporary path and rename: nothing here is visible half. Failures throw RasterFailure.
#ifndef ALTIPLANO_RASTER_WRITE_H_
#define ALTIPLANO_RASTER_WRITE_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "read.h"
#include "session.h"

namespace altiplano::raster {

struct BandSpec {
  std::string description;
  const void* data = nullptr;  // rows of `dataType` pixels; null in a tiled writer
  GDALDataType dataType = GDT_Unknown;
};

struct GeoTiffSpec {
  int width = 0;
  int height = 0;
  GDALDataType type = GDT_Unknown;  // one file has one pixel type
  std::vector<BandSpec> bands;
  std::optional<double> noData;     // and one no-data value
  std::string crs;                  // "" = none
  std::optional<std::array<double, 6>> geotransform;
  std::map<std::string, std::string> rpc;       // GDAL's RPC domain; empty = none
  std::map<std::string, std::string> metadata;
  const uint8_t* mask = nullptr;    // internal mask band, nonzero = valid
  int blockSize = 0;                // tile side, a multiple of 16; 0 = strips
  int stripRows = 0;                // rows of a strip; 0 = GDAL's choice of about 8 KB
  std::string compress = "DEFLATE";
  bool sparse = false;              // blocks never written take no room and read as no-data
};

// Creates the file with everything but pixels; a mask that isn't null only asks for a mask band.
DatasetPtr createGeoTiff(const std::string& path, const GeoTiffSpec& spec);

// Creates the file and writes the bands' data and the mask.
void writeGeoTiff(const std::string& path, const GeoTiffSpec& spec);

// Writes rows of `type` pixels into a rectangle of a band (counts from 1).
void writeBlock(GDALDataset& dataset, const std::string& path, int band, const Rect& rect, const void* data,
                GDALDataType type);

// Hands over what was written so far, and lets the system write it to disk meanwhile: for a file that will be synced when it is finished, and
// has still some way to go.
void startSync(GDALDataset& dataset, const std::string& path);

// Flushes and closes; an error on the way (disk full) is thrown, where GDALClose alone would swallow it.
void finish(DatasetPtr dataset, const std::string& path);

// The predictor DEFLATE, LZW and ZSTD profit from: 3 for floating point, 2 for integers.
const char* predictorOf(GDALDataType type);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_WRITE_H_
