// SPDX-License-Identifier: Apache-2.0
#include "plain_tiles.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

// Tiles begin where pages of the system do, so that writing one touches no other's.
constexpr uint64_t kPage = 4096;

// GDAL's head, and nothing behind it.
const std::string& withHead(const std::string& path, GeoTiffSpec spec) {
  spec.sparse = true;
  finish(createGeoTiff(path, spec), path);
  return path;
}

}  // namespace

PlainTiles::PlainTiles(const std::string& path, const GeoTiffSpec& spec)
    : type_(spec.type), pixelBytes_(static_cast<size_t>(GDALGetDataTypeSizeBytes(spec.type))), side_(spec.blockSize),
      across_((spec.width + side_ - 1) / side_), down_((spec.height + side_ - 1) / side_), file_(withHead(path, spec), O_RDWR) {
  const std::vector<TileDirectory> directories = tileDirectories(file_);
  const size_t tiles = spec.bands.size() * across_ * down_;
  if (directories.size() != 1 || directories[0].tiles != tiles) throw RasterFailure(path, "GDAL laid out its tiles in an unknown way");
  directory_ = directories[0];
  places_ = {std::vector<uint64_t>(tiles), std::vector<uint64_t>(tiles)};
  end_ = (file_.size() + kPage - 1) / kPage * kPage;
  empty_.resize(static_cast<size_t>(side_) * side_ * pixelBytes_);
  const double noData = spec.noData.value_or(0);
  GDALCopyWords64(&noData, GDT_Float64, 0, empty_.data(), type_, static_cast<int>(pixelBytes_), static_cast<GPtrDiff_t>(side_) * side_);
}

void PlainTiles::write(int band, const Rect& rect, const void* data, GDALDataType type) {
  std::vector<uint8_t> converted;
  if (type != type_) {
    const auto pixels = static_cast<size_t>(rect.width) * rect.height;
    converted.resize(pixels * pixelBytes_);
    GDALCopyWords64(data, type, GDALGetDataTypeSizeBytes(type), converted.data(), type_, static_cast<int>(pixelBytes_), static_cast<GPtrDiff_t>(pixels));
    data = converted.data();
  }
  for (int tileY = rect.row0 / side_; tileY * side_ < rect.row0 + rect.height; ++tileY) {
    for (int tileX = rect.col0 / side_; tileX * side_ < rect.col0 + rect.width; ++tileX) writeTile(band, tileX, tileY, rect, static_cast<const uint8_t*>(data));
  }
}

void PlainTiles::writeTile(int band, int tileX, int tileY, const Rect& rect, const uint8_t* data) {
  const size_t place = (static_cast<size_t>(band - 1) * down_ + tileY) * across_ + tileX;
  uint64_t& at = places_.offsets[place];
  // The tile's part of the rectangle, in cells of the raster.
  const int left = std::max(rect.col0, tileX * side_), right = std::min(rect.col0 + rect.width, (tileX + 1) * side_);
  const int top = std::max(rect.row0, tileY * side_), bottom = std::min(rect.row0 + rect.height, (tileY + 1) * side_);
  const size_t bytes = static_cast<size_t>(right - left) * pixelBytes_;
  const auto from = [&](int row) { return data + (static_cast<size_t>(row - rect.row0) * rect.width + (left - rect.col0)) * pixelBytes_; };
  bool isEmpty = at == 0;
  for (int row = top; isEmpty && row < bottom; ++row) isEmpty = std::memcmp(from(row), empty_.data(), bytes) == 0;
  if (isEmpty) return;

  const bool isWhole = right - left == side_ && bottom - top == side_;
  if (isWhole) {
    tile_.resize(empty_.size());
  } else if (at == 0) {
    tile_ = empty_;
  } else {
    tile_.resize(empty_.size());
    file_.readAt(at, tile_.data(), tile_.size());
  }
  if (at == 0) {
    at = end_;
    end_ += tile_.size();
    places_.counts[place] = tile_.size();
  }
  for (int row = top; row < bottom; ++row) {
    std::memcpy(tile_.data() + (static_cast<size_t>(row - tileY * side_) * side_ + (left - tileX * side_)) * pixelBytes_, from(row), bytes);
  }
  file_.writeAt(at, tile_.data(), tile_.size());
}

void PlainTiles::close() {
  writeTilePlaces(file_, directory_, places_);
  file_.close();
}

}  // namespace altiplano::raster
