// SPDX-License-Identifier: Apache-2.0
#include "cog_tiles.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

// So many bytes at the spool's end are cut off as soon as they are moved: the file's next pages can be made of theirs.
constexpr uint64_t kMovedAtOnce = 8 << 20;

// Differences to the left neighbour along every row. Source: TIFF 6.0, section 14.
template <typename T>
void predictIntegers(const T* in, T* out, int rows) {
  for (int y = 0; y < rows; ++y, in += kCogTile, out += kCogTile) {
    out[0] = in[0];
    for (int x = 1; x < kCogTile; ++x) out[x] = static_cast<T>(in[x] - in[x - 1]);
  }
}

// The bytes of a row's floats plane by plane, most significant first, then differences. Source: Adobe Photoshop TIFF
// technical note 3, 2005.
void predictFloats(const float* in, uint8_t* out, int rows) {
  uint8_t planes[4 * kCogTile];
  for (int y = 0; y < rows; ++y, in += kCogTile, out += 4 * kCogTile) {
    for (int x = 0; x < kCogTile; ++x) {
      const auto bits = std::bit_cast<uint32_t>(in[x]);
      planes[x] = static_cast<uint8_t>(bits >> 24);
      planes[kCogTile + x] = static_cast<uint8_t>(bits >> 16);
      planes[2 * kCogTile + x] = static_cast<uint8_t>(bits >> 8);
      planes[3 * kCogTile + x] = static_cast<uint8_t>(bits);
    }
    out[0] = planes[0];
    for (int i = 1; i < 4 * kCogTile; ++i) out[i] = static_cast<uint8_t>(planes[i] - planes[i - 1]);
  }
}

void predict(const void* in, uint8_t* out, int rows, GDALDataType type) {
  switch (type) {
    case GDT_Float32: return predictFloats(static_cast<const float*>(in), out, rows);
    case GDT_UInt16: return predictIntegers(static_cast<const uint16_t*>(in), reinterpret_cast<uint16_t*>(out), rows);
    case GDT_Byte: return predictIntegers(static_cast<const uint8_t*>(in), out, rows);
    default: throw RasterFailure("tile", "pixels of this type can't be encoded");
  }
}

// Versions of libzstd are 10506 for 1.5.6.
std::string versionText(unsigned version) {
  return std::to_string(version / 10000) + '.' + std::to_string(version / 100 % 100) + '.' + std::to_string(version % 100);
}

// What of libzstd isn't promised for ever is only trusted within the minor version it was compiled for: another may lack it, which would end
// the process at the first call, or take it for something else.
void checkZstdVersion() {
  const unsigned found = ZSTD_versionNumber();
  if (found / 100 == ZSTD_VERSION_NUMBER / 100) return;
  throw RasterFailure("ZSTD", "the addon was built for libzstd " + versionText(ZSTD_VERSION_NUMBER) + " but runs with " + versionText(found) +
                                  ": build it again (npm run build)");
}

}  // namespace

TileEncoder::TileEncoder(const std::string& compress) {
  if (compress == "ZSTD") {
    checkZstdVersion();
    zstd_.reset(ZSTD_createCCtx());
    if (zstd_ == nullptr) throw std::bad_alloc();
    for (const auto& [parameter, value] : {std::pair{ZSTD_c_compressionLevel, 1}, std::pair{ZSTD_c_blockDelimiters, static_cast<int>(ZSTD_sf_explicitBlockDelimiters)}}) {
      const size_t set = ZSTD_CCtx_setParameter(zstd_.get(), parameter, value);
      if (ZSTD_isError(set) != 0) throw RasterFailure(compress, ZSTD_getErrorName(set));
    }
  } else {
    deflate_ = CPLGetCompressor("zlib");
    if (deflate_ == nullptr) throw RasterFailure(compress, "this GDAL has no such compressor");
  }
  predicted_.resize(static_cast<size_t>(kCogTile) * kCogTile * 4);
  // Incompressible input grows by some bytes per kilobyte at most.
  encoded_.resize(predicted_.size() + predicted_.size() / 64 + 1024);
  runs_.resize(kMostRuns);
}

std::span<const uint8_t> TileEncoder::encode(const void* pixels, GDALDataType type) {
  const auto pixel = static_cast<size_t>(GDALGetDataTypeSizeBytes(type)), bytes = kCogTile * kCogTile * pixel;
  if (pixel > sizeof(Plain::value)) throw RasterFailure("tile", "pixels of this type can't be encoded");
  // Every pixel is its left neighbour.
  if (std::memcmp(pixels, static_cast<const uint8_t*>(pixels) + pixel, bytes - pixel) != 0) return encodeAnew(pixels, bytes, type);
  uint32_t value = 0;
  std::memcpy(&value, pixels, pixel);
  Plain& plain = plain_[static_cast<size_t>(type)];
  if (plain.encoded.empty() || plain.value != value) {
    const std::span<const uint8_t> encoded = encodeAnew(pixels, bytes, type);
    plain = {value, {encoded.begin(), encoded.end()}};
  }
  return plain.encoded;
}

std::span<const uint8_t> TileEncoder::encodeAnew(const void* pixels, size_t bytes, GDALDataType type) {
  const size_t rowBytes = bytes / kCogTile;
  const int rowsAtOnce = static_cast<int>(std::min<size_t>(kCogTile, kMostRunBytes / rowBytes));
  sequences_.clear();
  // Block by block, so that what was predicted is still near when runs are sought in it.
  for (int row = 0; row < kCogTile; row += rowsAtOnce) {
    uint8_t* const block = predicted_.data() + static_cast<size_t>(row) * rowBytes;
    predict(static_cast<const uint8_t*>(pixels) + static_cast<size_t>(row) * rowBytes, block, rowsAtOnce, type);
    if (zstd_ != nullptr) appendSequences(block, static_cast<size_t>(rowsAtOnce) * rowBytes);
  }
  return {encoded_.data(), compress(predicted_.data(), bytes)};
}

// A block of ZSTD's: literals, then a run copied from the byte before it, and so on; at its end literals alone.
void TileEncoder::appendSequences(const uint8_t* block, size_t bytes) {
  const size_t runs = findByteRuns(block, bytes, runs_.data());
  uint32_t at = 0;
  for (size_t i = 0; i < runs; ++i) {
    const ByteRun& run = runs_[i];
    sequences_.push_back({.offset = 1, .litLength = run.from - at, .matchLength = run.length, .rep = 0});
    at = run.from + run.length;
  }
  sequences_.push_back({.offset = 0, .litLength = static_cast<uint32_t>(bytes) - at, .matchLength = 0, .rep = 0});
}

size_t TileEncoder::compress(const uint8_t* bytes, size_t count) {
  void* out = encoded_.data();
  size_t size = encoded_.size();
  if (zstd_ != nullptr) {
    size = ZSTD_compressSequences(zstd_.get(), out, size, sequences_.data(), sequences_.size(), bytes, count);
    if (ZSTD_isError(size) != 0) throw RasterFailure("tile", std::string("can't be compressed: ") + ZSTD_getErrorName(size));
    return size;
  }
  const char* const options[] = {"LEVEL=1", nullptr};
  if (!deflate_->pfnFunc(bytes, count, &out, &size, options, deflate_->user_data)) throw RasterFailure("tile", "can't be compressed");
  return size;
}

CogTiles::CogTiles(std::string path, const GeoTiffSpec& spec, const std::string& spool)
    : path_(std::move(path)), spool_(spool, O_RDWR | O_CREAT | O_EXCL) {
  // Gone with its descriptor, however this ends.
  unlink(spool.c_str());
  GeoTiffSpec empty = spec;
  empty.sparse = true;
  DatasetPtr head = createGeoTiff(path_, empty);
  std::vector<int> factors;
  for (int factor = 2; (std::max(spec.width, spec.height) + factor / 2 - 1) / (factor / 2) > kCogTile; factor *= 2) factors.push_back(factor);
  if (!factors.empty()) {
    const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
    const ThreadOption noTiles("SPARSE_OK_OVERVIEW", "YES");
    const ThreadOption tileSide("GDAL_TIFF_OVR_BLOCKSIZE", std::to_string(kCogTile).c_str());
    const ErrorScope errors;
    errors.check(head->BuildOverviews("NONE", static_cast<int>(factors.size()), factors.data(), 0, nullptr, nullptr,
                                      nullptr, nullptr) == CE_None,
                 path_, "the overviews can't be laid out");
  }
  raster::finish(std::move(head), path_);
  factors.insert(factors.begin(), 1);
  for (const int factor : factors) {
    const int width = (spec.width + factor - 1) / factor, height = (spec.height + factor - 1) / factor;
    sizes_.push_back({width, height, (width + kCogTile - 1) / kCogTile, (height + kCogTile - 1) / kCogTile});
    tiles_.emplace_back(static_cast<size_t>(sizes_.back().tilesAcross) * sizes_.back().tilesDown);
  }
  directories_ = tileDirectories(TileFile(path_, O_RDONLY));
  const auto isAsAsked = [](const TileDirectory& directory, const auto& level) { return directory.tiles == level.size(); };
  if (!std::equal(directories_.begin(), directories_.end(), tiles_.begin(), tiles_.end(), isAsAsked)) {
    throw RasterFailure(path_, "GDAL laid out other overviews or tiles");
  }
}

void CogTiles::put(int level, int tileX, int tileY, std::span<const uint8_t> encoded) {
  const uint64_t at = spooled_.fetch_add(encoded.size());
  spool_.writeAt(at, encoded.data(), encoded.size());
  const auto tile = static_cast<size_t>(tileY) * sizes_[static_cast<size_t>(level)].tilesAcross + tileX;
  tiles_[static_cast<size_t>(level)][tile] = {at, 0, encoded.size()};
}

// From the spool's end to its beginning, cutting off what is moved, so that there are never twice as many bytes.
void CogTiles::moveTiles(TileFile& file) {
  std::vector<const Tile*> waiting;
  for (const auto& level : tiles_) {
    for (const Tile& tile : level) waiting.push_back(&tile);
  }
  std::sort(waiting.begin(), waiting.end(), [](const Tile* a, const Tile* b) { return a->spooledAt > b->spooledAt; });
  std::vector<uint8_t> bytes;
  uint64_t kept = spooled_;
  for (const Tile* tile : waiting) {
    bytes.resize(tile->count);
    spool_.readAt(tile->spooledAt, bytes.data(), tile->count);
    file.writeAt(tile->at, bytes.data(), tile->count);
    if (kept - tile->spooledAt < kMovedAtOnce) continue;
    spool_.truncate(tile->spooledAt);
    kept = tile->spooledAt;
  }
}

void CogTiles::finish() {
  TileFile file(path_, O_RDWR);
  uint64_t end = file.size();
  for (size_t level = tiles_.size(); level-- > 0;) {
    for (Tile& tile : tiles_[level]) {
      if (tile.count == 0) throw RasterFailure(path_, "a tile was never made");
      tile.at = end;
      end += tile.count;
    }
  }
  moveTiles(file);
  for (size_t level = 0; level < tiles_.size(); ++level) {
    TilePlaces places;
    for (const Tile& tile : tiles_[level]) {
      places.offsets.push_back(tile.at);
      places.counts.push_back(tile.count);
    }
    writeTilePlaces(file, directories_[level], places);
  }
  file.close();
}

}  // namespace altiplano::raster
