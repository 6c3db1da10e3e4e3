// SPDX-License-Identifier: Apache-2.0
#include "admission.h"

#include <cpl_string.h>
#include <cpl_vsi.h>
#include <cpl_vsi_virtual.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "gdal_error.h"
#include "session.h"

namespace altiplano::raster {

const char kSkippedDrivers[] = "DAAS EEDA EEDAI HTTP NGW OGCAPI PLMOSAIC PLSCENES PostGISRaster STACIT STACTA WCS WMS WMTS";

namespace {

// In memory, parts of a file that is open, and buckets: GDAL's drivers use the first two among themselves.
constexpr std::array<std::string_view, 4> kOpenFileSystems = {"/vsimem/", "/vsisubfile/", "/vsis3/", "/vsis3_streaming/"};
constexpr const char* kWhatToGive = "give a file (of an archive: unpacked), or s3://bucket/key";

// What one GDAL decodes at once, and so allocates: a strip or tile in all bands that share it.
constexpr int64_t kLargestBlockBytes = int64_t{1} << 29;

class ClosedFileSystem : public VSIFilesystemHandler {
 public:
  VSIVirtualHandle* Open(const char* name, const char*, bool, CSLConstList) override {
    CPLError(CE_Failure, CPLE_OpenFailed, "%s isn't read: %s", name, kWhatToGive);
    return nullptr;
  }
  int Stat(const char*, VSIStatBufL*, int) override { return -1; }
};

bool isGreyRamp(const GDALColorTable& table) {
  for (int i = 0; i < table.GetColorEntryCount(); ++i) {
    const GDALColorEntry& colour = *table.GetColorEntry(i);
    if (colour.c1 != i || colour.c2 != i || colour.c3 != i) return false;
  }
  return true;
}

}  // namespace

void closeOtherFileSystems() {
  const CPLStringList prefixes(VSIFileManager::GetPrefixes(), TRUE);
  auto* closed = new ClosedFileSystem;  // GDAL owns it, under all its names
  for (int i = 0; i < prefixes.size(); ++i) {
    const std::string_view prefix = prefixes[i];
    if (std::find(kOpenFileSystems.begin(), kOpenFileSystems.end(), prefix) != kOpenFileSystems.end()) continue;
    VSIFileManager::InstallHandler(std::string(prefix), closed);
  }
}

void checkName(const std::string& path) {
  if (isInBucket(path)) return;
  if (path.starts_with("/vsi")) throw RasterFailure(path, std::string("isn't read: ") + kWhatToGive);
  VSIStatBufL found;
  if (VSIStatL(path.c_str(), &found) != 0) {
    throw RasterFailure(path, std::string("can't be opened as a raster: ") + VSIStrerror(errno));
  }
  // A pipe, a socket or a device would never end.
  if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) throw RasterFailure(path, std::string("is neither a file nor a folder: ") + kWhatToGive);
}

void checkBand(const std::string& path, GDALDataset& dataset, GDALRasterBand& band) {
  if (GDALDataTypeIsComplex(band.GetRasterDataType())) {
    throw RasterFailure(path, "has complex pixels, which have no grey value: give an amplitude image");
  }
  if (const GDALColorTable* palette = band.GetColorTable(); palette != nullptr && !isGreyRamp(*palette)) {
    throw RasterFailure(path, "has a palette, and its pixels are numbers of colours: give an image of grey values");
  }
  int width = 0;
  int height = 0;
  band.GetBlockSize(&width, &height);
  const char* interleaving = dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  const int together = interleaving != nullptr && EQUAL(interleaving, "PIXEL") ? dataset.GetRasterCount() : 1;
  const double bytes = static_cast<double>(width) * height * together * GDALGetDataTypeSizeBytes(band.GetRasterDataType());
  if (bytes > static_cast<double>(kLargestBlockBytes)) {
    throw RasterFailure(path, "is stored in pieces of " + std::to_string(width) + " x " + std::to_string(height) +
                                  " pixels, too large to be decoded at once: rewrite it in tiles, e.g. gdal_translate -co TILED=YES");
  }
}

}  // namespace altiplano::raster
