// SPDX-License-Identifier: Apache-2.0
#include "read.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "admission.h"
#include "gdal_error.h"

namespace altiplano::raster {
namespace {

std::string sizeText(int width, int height) { return std::to_string(width) + " x " + std::to_string(height); }

GDALDataType windowType(GDALDataType type) {
  switch (type) {
    case GDT_Byte:
    case GDT_UInt16:
    case GDT_Int16:
      return type;
    default:
      return GDT_Float32;
  }
}

std::optional<double> noDataOf(GDALRasterBand& band) {
  int has = FALSE;
  const double value = band.GetNoDataValue(&has);
  return has ? std::optional(value) : std::nullopt;
}

// A mask band, alpha or NODATA_VALUES: anything that isn't said by the band's own no-data value.
bool hasMaskBand(GDALRasterBand& band) {
  const int flags = band.GetMaskFlags();
  return (flags & GMF_ALL_VALID) == 0 && flags != GMF_NODATA;
}

// Keeps valid[i] only where a mask raster isn't 0. The mask covers the same ground as the band at any size.
void applyMask(const Window& window, GDALRasterBand& mask, const std::string& path, uint8_t* valid) {
  const ErrorScope errors;
  const Rect& rect = window.rect;
  std::vector<uint8_t> flags(window.pixels());
  const double perCol = static_cast<double>(mask.GetXSize()) / window.band->GetXSize();
  const double perRow = static_cast<double>(mask.GetYSize()) / window.band->GetYSize();
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  // Nearest is exact at the same size; for an overview it takes the pixel in the middle.
  extra.bFloatingPointWindowValidity = TRUE;
  extra.dfXOff = rect.col0 * perCol;
  extra.dfYOff = rect.row0 * perRow;
  extra.dfXSize = rect.width * perCol;
  extra.dfYSize = rect.height * perRow;
  const int col0 = static_cast<int>(extra.dfXOff);
  const int row0 = static_cast<int>(extra.dfYOff);
  const int col1 = std::min(mask.GetXSize(), static_cast<int>(std::ceil(extra.dfXOff + extra.dfXSize - 1e-9)));
  const int row1 = std::min(mask.GetYSize(), static_cast<int>(std::ceil(extra.dfYOff + extra.dfYSize - 1e-9)));
  errors.check(mask.RasterIO(GF_Read, col0, row0, col1 - col0, row1 - row0, flags.data(), rect.width, rect.height,
                             GDT_Byte, 0, 0, &extra) == CE_None,
               path, "the mask can't be read");
  for (size_t i = 0; i < flags.size(); ++i) valid[i] &= flags[i] != 0;
}

template <typename T>
void applyNoData(const T* pixels, size_t count, std::optional<double> noData, uint8_t* valid) {
  if (noData) {
    if constexpr (std::is_integral_v<T>) {
      // A no-data value the type can't hold marks nothing.
      if (*noData >= std::numeric_limits<T>::min() && *noData <= std::numeric_limits<T>::max() &&
          *noData == std::floor(*noData)) {
        const T value = static_cast<T>(*noData);
        for (size_t i = 0; i < count; ++i) valid[i] &= pixels[i] != value;
      }
    } else {
      const T value = static_cast<T>(*noData);
      for (size_t i = 0; i < count; ++i) valid[i] &= pixels[i] != value;
    }
  }
  if constexpr (std::is_floating_point_v<T>) {
    for (size_t i = 0; i < count; ++i) valid[i] &= !std::isnan(pixels[i]);
  }
}

}  // namespace

Window openWindow(Session& session, const WindowRequest& request) {
  Window window;
  window.request = request;
  // The mask first: the session keeps both open, but only the last one opened is promised.
  GDALDataset* maskDataset = request.maskPath.empty() ? nullptr : &session.open(request.maskPath);
  GDALDataset& dataset = session.open(request.path);
  const std::string& path = request.path;
  if (request.band < 1 || request.band > dataset.GetRasterCount()) {
    throw RasterFailure(path, "has no band " + std::to_string(request.band) + " (it has " +
                                  std::to_string(dataset.GetRasterCount()) + ")");
  }
  window.fullBand = window.band = dataset.GetRasterBand(request.band);
  checkBand(path, dataset, *window.band);
  if (request.overview >= 0) {
    const ErrorScope errors;
    window.band = request.overview < window.fullBand->GetOverviewCount()
                      ? window.fullBand->GetOverview(request.overview)
                      : nullptr;
    if (window.band == nullptr) {
      errors.fail(path, "has no overview " + std::to_string(request.overview) + " (it has " +
                            std::to_string(window.fullBand->GetOverviewCount()) + ", counted from 0)");
    }
  }
  const int width = window.band->GetXSize();
  const int height = window.band->GetYSize();
  window.rect = request.rect.value_or(Rect{0, 0, width, height});
  const Rect& rect = window.rect;
  if (rect.col0 < 0 || rect.row0 < 0 || rect.width < 1 || rect.height < 1 || rect.width > width - rect.col0 ||
      rect.height > height - rect.row0) {
    throw RasterFailure(path, "the window at column " + std::to_string(rect.col0) + ", row " +
                                  std::to_string(rect.row0) + " of " + sizeText(rect.width, rect.height) +
                                  " pixels leaves the image of " + sizeText(width, height));
  }
  if (window.pixels() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw RasterFailure(path, "a window of " + sizeText(rect.width, rect.height) +
                                  " pixels is too large for one read: read it in parts");
  }
  window.type = windowType(window.band->GetRasterDataType());
  if (maskDataset != nullptr) {
    window.maskFile = maskDataset->GetRasterBand(1);
    const int fullWidth = window.fullBand->GetXSize();
    const int fullHeight = window.fullBand->GetYSize();
    if (maskDataset->GetRasterXSize() != fullWidth || maskDataset->GetRasterYSize() != fullHeight) {
      throw RasterFailure(request.maskPath,
                          "the mask has " + sizeText(maskDataset->GetRasterXSize(), maskDataset->GetRasterYSize()) +
                              " pixels, its image " + path + " " + sizeText(fullWidth, fullHeight));
    }
  }
  return window;
}

void readPixels(const Window& window, void* out) {
  const ErrorScope errors;
  const Rect& rect = window.rect;
  errors.check(window.band->RasterIO(GF_Read, rect.col0, rect.row0, rect.width, rect.height, out, rect.width,
                                     rect.height, window.type, 0, 0, nullptr) == CE_None,
               window.request.path, "the pixels can't be read");
}

bool mayHaveInvalid(const Window& window) {
  return window.maskFile != nullptr || noDataOf(*window.fullBand) || hasMaskBand(*window.fullBand);
}

bool readValidity(const Window& window, const void* pixels, uint8_t* valid) {
  const size_t count = window.pixels();
  std::fill(valid, valid + count, uint8_t{1});
  const std::optional<double> noData = noDataOf(*window.fullBand);
  switch (window.type) {
    case GDT_Byte:
      applyNoData(static_cast<const uint8_t*>(pixels), count, noData, valid);
      break;
    case GDT_UInt16:
      applyNoData(static_cast<const uint16_t*>(pixels), count, noData, valid);
      break;
    case GDT_Int16:
      applyNoData(static_cast<const int16_t*>(pixels), count, noData, valid);
      break;
    default:
      applyNoData(static_cast<const float*>(pixels), count, noData, valid);
  }
  // A no-data value that float32 rounds (of float64, int32 …) is compared by GDAL in the file's own type.
  if (noData && window.type != window.band->GetRasterDataType()) {
    applyMask(window, *window.band->GetMaskBand(), window.request.path, valid);
  } else if (hasMaskBand(*window.fullBand)) {
    // An overview made without mask overviews has the full mask's validity.
    GDALRasterBand& owner = hasMaskBand(*window.band) ? *window.band : *window.fullBand;
    applyMask(window, *owner.GetMaskBand(), window.request.path, valid);
  }
  if (window.maskFile != nullptr) applyMask(window, *window.maskFile, window.request.maskPath, valid);
  for (size_t i = 0; i < count; ++i) {
    if (valid[i] == 0) return false;
  }
  return true;
}

void markInvalid(const Window& window, float* pixels) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const std::optional<double> noData = noDataOf(*window.fullBand);
  const bool isPlain = window.maskFile == nullptr && !hasMaskBand(*window.fullBand) && window.band->GetRasterDataType() == GDT_Float32;
  if (isPlain) {
    // Most of our own rasters: the no-data value alone decides, and NaN says so itself.
    if (noData && !std::isnan(*noData)) std::replace(pixels, pixels + window.pixels(), static_cast<float>(*noData), kNaN);
    return;
  }
  std::vector<uint8_t> valid(window.pixels());
  if (readValidity(window, pixels, valid.data())) return;
  for (size_t i = 0; i < valid.size(); ++i) {
    if (valid[i] == 0) pixels[i] = kNaN;
  }
}

}  // namespace altiplano::raster
