// SPDX-License-Identifier: Apache-2.0
#include "write.h"

#include <cpl_string.h>
#include <cpl_vsi.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "gdal_error.h"

namespace altiplano::raster {

const char* predictorOf(GDALDataType type) { return GDALDataTypeIsFloating(type) ? "3" : "2"; }

namespace {

// Pixels follow the head, whose length is any number: up to 7 bytes behind it let them begin where every type may be read in place. TIFF itself
// only asks for even offsets (6.0, section 2), and readers go by the offsets.
void alignPixels(GDALDataset& dataset, const std::string& path) {
  constexpr vsi_l_offset kAlignment = 8;
  dataset.FlushCache(false);
  VSILFILE* file = VSIFOpenL(path.c_str(), "ab");
  if (file == nullptr) throw RasterFailure(path, "can't be written");
  VSIFSeekL(file, 0, SEEK_END);
  const std::array<char, kAlignment> nothing{};
  const size_t missing = (kAlignment - VSIFTellL(file) % kAlignment) % kAlignment;
  const bool written = VSIFWriteL(nothing.data(), 1, missing, file) == missing;
  if (VSIFCloseL(file) != 0 || !written) throw RasterFailure(path, "can't be written (disk full?)");
}

}  // namespace

DatasetPtr createGeoTiff(const std::string& path, const GeoTiffSpec& spec) {
  registerDrivers();
  const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
  const ThreadOption insideMask("GDAL_TIFF_INTERNAL_MASK", "YES");
  const ErrorScope errors;
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  errors.check(driver != nullptr, path, "this GDAL has no GeoTIFF driver");
  CPLStringList options;
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  options.SetNameValue("COMPRESS", spec.compress.c_str());
  if (spec.compress == "DEFLATE" || spec.compress == "LZW" || spec.compress == "ZSTD") {
    options.SetNameValue("PREDICTOR", predictorOf(spec.type));
  }
  if (spec.bands.size() > 1) options.SetNameValue("INTERLEAVE", "BAND");
  if (spec.blockSize > 0) {
    options.SetNameValue("TILED", "YES");
    options.SetNameValue("BLOCKXSIZE", std::to_string(spec.blockSize).c_str());
    options.SetNameValue("BLOCKYSIZE", std::to_string(spec.blockSize).c_str());
  } else if (spec.stripRows > 0) {
    options.SetNameValue("BLOCKYSIZE", std::to_string(spec.stripRows).c_str());
  }
  if (spec.sparse) options.SetNameValue("SPARSE_OK", "TRUE");
  // Strips of nothing but no-data in their place among the others, not at the end: a band can be mapped only where it lies in one run.
  if (!spec.sparse && spec.compress == "NONE") options.SetNameValue("WRITE_EMPTY_TILES_SYNCHRONOUSLY", "YES");
  DatasetPtr dataset(
      driver->Create(path.c_str(), spec.width, spec.height, static_cast<int>(spec.bands.size()), spec.type, options));
  errors.check(dataset != nullptr, path, "can't be created");
  if (!spec.crs.empty()) {
    const OGRSpatialReference crs = parseCrs(spec.crs);
    errors.check(dataset->SetSpatialRef(&crs) == CE_None, path, "the CRS can't be written");
  }
  if (spec.geotransform) {
    std::array<double, 6> geotransform = *spec.geotransform;
    errors.check(dataset->SetGeoTransform(geotransform.data()) == CE_None, path, "the geotransform can't be written");
  }
  for (const auto& [key, value] : spec.metadata) dataset->SetMetadataItem(key.c_str(), value.c_str());
  if (!spec.rpc.empty()) {
    CPLStringList rpc;
    for (const auto& [key, value] : spec.rpc) rpc.SetNameValue(key.c_str(), value.c_str());
    errors.check(dataset->SetMetadata(rpc, "RPC") == CE_None && !errors.failed(), path, "the RPC can't be written");
  }
  for (size_t i = 0; i < spec.bands.size(); ++i) {
    GDALRasterBand* band = dataset->GetRasterBand(static_cast<int>(i) + 1);
    if (!spec.bands[i].description.empty()) band->SetDescription(spec.bands[i].description.c_str());
    if (spec.noData && i == 0) {
      errors.check(band->SetNoDataValue(*spec.noData) == CE_None, path, "the no-data value can't be written");
    }
  }
  if (spec.mask != nullptr) {
    errors.check(dataset->CreateMaskBand(GMF_PER_DATASET) == CE_None, path, "the mask band can't be created");
  }
  if (spec.compress == "NONE") alignPixels(*dataset, path);
  return dataset;
}

void writeBlock(GDALDataset& dataset, const std::string& path, int band, const Rect& rect, const void* data,
                GDALDataType type) {
  const ErrorScope errors;
  // GDAL's interface isn't const, but writing does not touch the buffer.
  errors.check(dataset.GetRasterBand(band)->RasterIO(GF_Write, rect.col0, rect.row0, rect.width, rect.height,
                                                     const_cast<void*>(data), rect.width, rect.height, type, 0, 0,
                                                     nullptr) == CE_None,
               path, "pixels can't be written");
}

void startSync(GDALDataset& dataset, const std::string& path) {
  const ErrorScope errors;
  dataset.FlushCache(false);
  errors.check(!errors.failed(), path, "can't be written");
#ifdef __linux__
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
  ::close(file);
#endif
}

void finish(DatasetPtr dataset, const std::string& path) {
  const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
  const ErrorScope errors;
  dataset->FlushCache(true);
  dataset.reset();
  if (errors.failed()) errors.fail(path, "can't be written");
}

namespace {

// A whole band. Strips go to the file as they are: RasterIO would copy each into GDAL's cache of blocks first, which for a
// file that isn't compressed is half of what writing costs.
void writeBand(GDALDataset& dataset, const std::string& path, int index, const BandSpec& from) {
  GDALRasterBand& band = *dataset.GetRasterBand(index);
  const int width = band.GetXSize(), height = band.GetYSize();
  int blockWidth = 0, stripRows = 0;
  band.GetBlockSize(&blockWidth, &stripRows);
  const GDALDataType type = band.GetRasterDataType();
  const int fromBytes = GDALGetDataTypeSizeBytes(from.dataType), bytes = GDALGetDataTypeSizeBytes(type);
  const auto* data = static_cast<const uint8_t*>(from.data);
  int row = 0;
  if (blockWidth == width) {
    const ErrorScope errors;
    const size_t pixels = static_cast<size_t>(width) * stripRows;
    std::vector<uint8_t> strip(from.dataType == type ? 0 : pixels * bytes);
    for (; row + stripRows <= height; row += stripRows, data += pixels * fromBytes) {
      if (!strip.empty()) GDALCopyWords64(data, from.dataType, fromBytes, strip.data(), type, bytes, static_cast<GPtrDiff_t>(pixels));
      // GDAL's interface isn't const, but writing does not touch the buffer.
      void* written = strip.empty() ? const_cast<uint8_t*>(data) : strip.data();
      errors.check(band.WriteBlock(0, row / stripRows, written) == CE_None, path, "pixels can't be written");
    }
  }
  if (row == height) return;
  writeBlock(dataset, path, index, {0, row, width, height - row}, data, from.dataType);
  // Before the next band's, so that each lies in one run.
  band.FlushCache(false);
}

}  // namespace

void writeGeoTiff(const std::string& path, const GeoTiffSpec& spec) {
  DatasetPtr dataset = createGeoTiff(path, spec);
  for (size_t i = 0; i < spec.bands.size(); ++i) writeBand(*dataset, path, static_cast<int>(i) + 1, spec.bands[i]);
  if (spec.mask != nullptr) {
    // TIFF masks are 0 / 255 for GDAL.
    std::vector<uint8_t> flags(spec.mask, spec.mask + static_cast<size_t>(spec.width) * spec.height);
    for (uint8_t& flag : flags) flag = flag != 0 ? 255 : 0;
    const ErrorScope errors;
    errors.check(dataset->GetRasterBand(1)->GetMaskBand()->RasterIO(GF_Write, 0, 0, spec.width, spec.height,
                                                                    flags.data(), spec.width, spec.height, GDT_Byte, 0,
                                                                    0, nullptr) == CE_None,
                 path, "the mask can't be written");
  }
  finish(std::move(dataset), path);
}

}  // namespace altiplano::raster
