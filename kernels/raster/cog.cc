// SPDX-License-Identifier: Apache-2.0
#include "cog.h"

#include <cpl_string.h>
#include <gdal_utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gdal_error.h"
#include "write.h"

namespace altiplano::raster {
namespace {

constexpr int kBlock = 512;
constexpr int kSmallestOverview = 32;  // pixels of the smaller side
constexpr int kPiecePixels = 1 << 26;  // of a strip, unless one block has more

void writeCog(GDALDataset& source, const std::string& target, CPLStringList options) {
  const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
  const ThreadOption insideMask("GDAL_TIFF_INTERNAL_MASK", "YES");
  const ErrorScope errors;
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("COG");
  errors.check(driver != nullptr, target, "this GDAL has no COG driver");
  options.SetNameValue("BLOCKSIZE", std::to_string(kBlock).c_str());
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  options.SetNameValue("NUM_THREADS", "ALL_CPUS");
  DatasetPtr made(driver->CreateCopy(target.c_str(), &source, FALSE, options, nullptr, nullptr));
  errors.check(made != nullptr && !errors.failed(), target, "the COG can't be written");
  finish(std::move(made), target);
}

// Pieces of the image that suit both its blocks and the memory: a strip for striped files, else a square.
Rect pieceOf(GDALRasterBand& band) {
  int blockWidth = 0;
  int blockHeight = 0;
  band.GetBlockSize(&blockWidth, &blockHeight);
  const auto roundUp = [](int value, int step) { return (value + step - 1) / step * step; };
  const int width = band.GetXSize();
  if (blockWidth >= width) return {0, 0, width, roundUp(std::clamp(kPiecePixels / width, 1, kBlock), blockHeight)};
  const int rows = blockHeight <= 4096 ? roundUp(kBlock, blockHeight) : kBlock;
  return {0, 0, blockWidth <= 4096 ? roundUp(4 * kBlock, blockWidth) : 4 * kBlock, rows};
}

void copyPieces(const Window& source, GDALDataset& target, const std::string& path, bool withMask) {
  const Rect piece = pieceOf(*source.band);
  const int width = source.rect.width;
  const int height = source.rect.height;
  const bool isAllValid = source.type != GDT_Float32 && !mayHaveInvalid(source);
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> valid;
  for (int row0 = 0; row0 < height; row0 += piece.height) {
    for (int col0 = 0; col0 < width; col0 += piece.width) {
      Window part = source;
      part.rect = {col0, row0, std::min(piece.width, width - col0), std::min(piece.height, height - row0)};
      bytes.resize(part.pixels() * GDALGetDataTypeSizeBytes(part.type));
      valid.resize(part.pixels());
      readPixels(part, bytes.data());
      const bool complete = isAllValid || readValidity(part, bytes.data(), valid.data());
      if (part.type == GDT_Float32 && !complete) {
        auto* pixels = reinterpret_cast<float*>(bytes.data());
        for (size_t i = 0; i < valid.size(); ++i) {
          if (valid[i] == 0) pixels[i] = std::numeric_limits<float>::quiet_NaN();
        }
      }
      writeBlock(target, path, 1, part.rect, bytes.data(), part.type);
      if (withMask) {
        for (uint8_t& flag : valid) flag = flag != 0 ? 255 : 0;
        const ErrorScope errors;
        errors.check(target.GetRasterBand(1)->GetMaskBand()->RasterIO(
                         GF_Write, part.rect.col0, part.rect.row0, part.rect.width, part.rect.height, valid.data(),
                         part.rect.width, part.rect.height, GDT_Byte, 0, 0, nullptr) == CE_None,
                     path, "the mask can't be written");
      }
    }
  }
}

}  // namespace

void makeCog(const std::string& source, const std::string& target, const CogOptions& options) {
  DatasetPtr opened = openRaster(source, false);
  DatasetPtr view;
  if (options.srcWindow || !options.crs.empty()) {
    CPLStringList arguments;
    arguments.AddString("-of");
    arguments.AddString("VRT");
    if (options.srcWindow) {
      const Rect& rect = *options.srcWindow;
      arguments.AddString("-srcwin");
      for (const int value : {rect.col0, rect.row0, rect.width, rect.height}) {
        arguments.AddString(std::to_string(value).c_str());
      }
    }
    if (!options.crs.empty()) {
      parseCrs(options.crs);  // refuses an unknown one by name
      arguments.AddString("-a_srs");
      arguments.AddString(options.crs.c_str());
    }
    const ErrorScope errors;
    GDALTranslateOptions* translate = GDALTranslateOptionsNew(arguments.List(), nullptr);
    view.reset(GDALDataset::FromHandle(
        GDALTranslate("", GDALDataset::ToHandle(opened.get()), translate, nullptr)));
    GDALTranslateOptionsFree(translate);
    errors.check(view != nullptr, source, "the window can't be taken");
  }
  CPLStringList creation;
  creation.SetNameValue("OVERVIEWS", "IGNORE_EXISTING");
  creation.SetNameValue("OVERVIEW_RESAMPLING", options.overviewResampling.c_str());
  creation.SetNameValue("COMPRESS", options.compress.c_str());
  if (options.compress != "NONE") creation.SetNameValue("PREDICTOR", options.predictor.c_str());
  writeCog(view ? *view : *opened, target, creation);
}

void ingestImage(Session& session, const WindowRequest& request, const std::string& target) {
  const Window source = openWindow(session, request);
  const bool isFloat = source.type == GDT_Float32;
  const uint8_t someMask = 1;
  GeoTiffSpec spec;
  spec.width = source.rect.width;
  spec.height = source.rect.height;
  spec.type = source.type;
  spec.bands.resize(1);
  if (isFloat) spec.noData = std::numeric_limits<double>::quiet_NaN();
  if (!isFloat && mayHaveInvalid(source)) spec.mask = &someMask;  // only asks for a mask band here
  spec.blockSize = kBlock;
  spec.compress = "NONE";
  DatasetPtr made = createGeoTiff(target, spec);
  copyPieces(source, *made, target, spec.mask != nullptr);
  startSync(*made, target);

  std::vector<int> levels;
  const int smaller = std::min(spec.width, spec.height);
  for (int level = 2; (smaller + level - 1) / level >= kSmallestOverview; level *= 2) levels.push_back(level);
  if (!levels.empty()) {
    const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
    const ThreadOption insideMask("GDAL_TIFF_INTERNAL_MASK", "YES");
    const ThreadOption blocks("GDAL_TIFF_OVR_BLOCKSIZE", "256");  // the smallest levels would be mostly empty blocks of 512
    const ErrorScope errors;
    errors.check(made->BuildOverviews("AVERAGE", static_cast<int>(levels.size()), levels.data(), 0, nullptr, nullptr,
                                      nullptr, nullptr) == CE_None,
                 target, "the overviews can't be made");
  }
  finish(std::move(made), target);
}

}  // namespace altiplano::raster
