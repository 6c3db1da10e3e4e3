// SPDX-License-Identifier: Apache-2.0
#include "cog_tiles.h"

#include <cpl_string.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

static_assert(std::endian::native == std::endian::little, "GDAL writes TIFF in the machine's order, and so do we");

constexpr int kTileOffsets = 324, kTileByteCounts = 325;  // TIFF 6.0, section 15

// A file through GDAL's virtual file system; every failure names it.
class OpenFile {
 public:
  OpenFile(std::string path, const char* mode) : path_(std::move(path)), file_(VSIFOpenL(path_.c_str(), mode)) {
    if (file_ == nullptr) throw RasterFailure(path_, "can't be opened");
  }
  ~OpenFile() {
    if (file_ != nullptr) VSIFCloseL(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  template <typename T>
  T readAt(uint64_t offset) {
    T value{};
    if (VSIFSeekL(file_, offset, SEEK_SET) != 0 || VSIFReadL(&value, sizeof(T), 1, file_) != 1) {
      throw RasterFailure(path_, "the head can't be read back");
    }
    return value;
  }
  void seek(uint64_t offset) {
    if (VSIFSeekL(file_, offset, SEEK_SET) != 0) throw RasterFailure(path_, "can't be positioned");
  }
  uint64_t seekToEnd() {
    if (VSIFSeekL(file_, 0, SEEK_END) != 0) throw RasterFailure(path_, "can't be positioned");
    return VSIFTellL(file_);
  }
  void write(const void* bytes, size_t count) {
    if (VSIFWriteL(bytes, 1, count, file_) != count) throw RasterFailure(path_, "can't be written (disk full?)");
  }
  void close() {
    VSILFILE* file = std::exchange(file_, nullptr);
    if (VSIFCloseL(file) != 0) throw RasterFailure(path_, "can't be written (disk full?)");
  }

 private:
  std::string path_;
  VSILFILE* file_;
};

// Differences to the left neighbour along every row. Source: TIFF 6.0, section 14.
template <typename T>
void predictIntegers(const T* in, T* out) {
  for (int y = 0; y < kCogTile; ++y, in += kCogTile, out += kCogTile) {
    out[0] = in[0];
    for (int x = 1; x < kCogTile; ++x) out[x] = static_cast<T>(in[x] - in[x - 1]);
  }
}

// The bytes of a row's floats plane by plane, most significant first, then differences. Source: Adobe Photoshop TIFF
// technical note 3, 2005.
void predictFloats(const float* in, uint8_t* out) {
  uint8_t planes[4 * kCogTile];
  for (int y = 0; y < kCogTile; ++y, in += kCogTile, out += 4 * kCogTile) {
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

}  // namespace

Spool::Spool(std::string path) : path_(std::move(path)), file_(VSIFOpenL(path_.c_str(), "wb+")) {
  if (file_ == nullptr) throw RasterFailure(path_, "can't be created");
}

Spool::~Spool() {
  VSIFCloseL(file_);
  VSIUnlink(path_.c_str());
}

uint64_t Spool::append(const void* bytes, size_t count) {
  if (VSIFWriteL(bytes, 1, count, file_) != count) throw RasterFailure(path_, "can't be written (disk full?)");
  return std::exchange(size_, size_ + count);
}

void Spool::read(uint64_t from, size_t count, void* bytes) {
  if (VSIFSeekL(file_, from, SEEK_SET) != 0 || VSIFReadL(bytes, 1, count, file_) != count) {
    throw RasterFailure(path_, "can't be read back");
  }
}

TileEncoder::TileEncoder(const std::string& compress)
    : compressor_(CPLGetCompressor(compress == "ZSTD" ? "zstd" : "zlib")), level_("LEVEL=1") {
  if (compressor_ == nullptr) throw RasterFailure(compress, "this GDAL has no such compressor");
  predicted_.resize(static_cast<size_t>(kCogTile) * kCogTile * 4);
  // Incompressible input grows by some bytes per kilobyte at most.
  encoded_.resize(predicted_.size() + predicted_.size() / 64 + 1024);
}

const std::vector<uint8_t>& TileEncoder::encode(const void* pixels, GDALDataType type) {
  const size_t bytes = static_cast<size_t>(kCogTile) * kCogTile * GDALGetDataTypeSizeBytes(type);
  switch (type) {
    case GDT_Float32:
      predictFloats(static_cast<const float*>(pixels), predicted_.data());
      break;
    case GDT_UInt16:
      predictIntegers(static_cast<const uint16_t*>(pixels), reinterpret_cast<uint16_t*>(predicted_.data()));
      break;
    case GDT_Byte:
      predictIntegers(static_cast<const uint8_t*>(pixels), predicted_.data());
      break;
    default:
      throw RasterFailure("tile", "pixels of this type can't be encoded");
  }
  encoded_.resize(encoded_.capacity());
  void* out = encoded_.data();
  size_t size = encoded_.size();
  const char* const options[] = {level_, nullptr};
  if (!compressor_->pfnFunc(predicted_.data(), bytes, &out, &size, options, compressor_->user_data)) {
    throw RasterFailure("tile", "can't be compressed");
  }
  encoded_.resize(size);
  return encoded_;
}

CogTiles::CogTiles(std::string path, const GeoTiffSpec& spec) : path_(std::move(path)) {
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
  readDirectories();
}

// Where each directory keeps its tiles' places. Sources: TIFF 6.0, section 2; the BigTIFF design of libtiff.
void CogTiles::readDirectories() {
  OpenFile file(path_, "rb");
  const bool isBig = file.readAt<uint16_t>(2) == 43;
  uint64_t at = isBig ? file.readAt<uint64_t>(8) : file.readAt<uint32_t>(4);
  while (at != 0) {
    const uint64_t entries = isBig ? file.readAt<uint64_t>(at) : file.readAt<uint16_t>(at);
    const uint64_t first = at + (isBig ? 8 : 2);
    const uint64_t entryBytes = isBig ? 20 : 12;
    Directory directory;
    const uint64_t tiles = directories_.size() < tiles_.size() ? tiles_[directories_.size()].size() : 0;
    for (uint64_t entry = first; entry < first + entries * entryBytes; entry += entryBytes) {
      const int tag = file.readAt<uint16_t>(entry);
      if (tag != kTileOffsets && tag != kTileByteCounts) continue;
      const int type = file.readAt<uint16_t>(entry + 2);
      const uint64_t count = isBig ? file.readAt<uint64_t>(entry + 4) : file.readAt<uint32_t>(entry + 4);
      const int bytes = type == 16 ? 8 : type == 4 ? 4 : 0;  // LONG8, LONG
      if (bytes == 0 || count != tiles) throw RasterFailure(path_, "GDAL laid out its tiles in an unknown way");
      const uint64_t valueAt = entry + (isBig ? 12 : 8);
      const bool inside = count * bytes <= (isBig ? 8U : 4U);
      const uint64_t array = inside ? valueAt : isBig ? file.readAt<uint64_t>(valueAt) : file.readAt<uint32_t>(valueAt);
      (tag == kTileOffsets ? directory.offsetsAt : directory.countsAt) = array;
      (tag == kTileOffsets ? directory.offsetBytes : directory.countBytes) = bytes;
    }
    directories_.push_back(directory);
    at = isBig ? file.readAt<uint64_t>(first + entries * entryBytes) : file.readAt<uint32_t>(first + entries * entryBytes);
  }
  if (directories_.size() != sizes_.size()) throw RasterFailure(path_, "GDAL laid out another number of overviews");
}

void CogTiles::put(int level, int tileX, int tileY, Spool& spool, uint64_t from, size_t count) {
  const auto tile = static_cast<size_t>(tileY) * sizes_[static_cast<size_t>(level)].tilesAcross + tileX;
  tiles_[static_cast<size_t>(level)][tile] = {&spool, from, count};
}

void CogTiles::finish() {
  OpenFile file(path_, "rb+");
  uint64_t end = file.seekToEnd();
  std::vector<uint8_t> bytes;
  std::vector<std::vector<uint64_t>> places(tiles_.size());
  for (size_t level = tiles_.size(); level-- > 0;) {
    for (const Waiting& tile : tiles_[level]) {
      if (tile.spool == nullptr) throw RasterFailure(path_, "a tile was never made");
      bytes.resize(tile.count);
      tile.spool->read(tile.from, tile.count, bytes.data());
      file.write(bytes.data(), bytes.size());
      places[level].push_back(end);
      end += tile.count;
    }
  }
  const auto writeArray = [&file, this](uint64_t at, int width, auto valueOf, size_t count) {
    std::vector<uint8_t> array(count * static_cast<size_t>(width));
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = valueOf(i);
      if (width == 4 && value > 0xFFFFFFFFU) throw RasterFailure(path_, "grew beyond 4 GB, but is no BigTIFF");
      std::memcpy(array.data() + i * static_cast<size_t>(width), &value, static_cast<size_t>(width));
    }
    file.seek(at);
    file.write(array.data(), array.size());
  };
  for (size_t level = 0; level < tiles_.size(); ++level) {
    const Directory& directory = directories_[level];
    const auto& tiles = tiles_[level];
    writeArray(directory.offsetsAt, directory.offsetBytes, [&](size_t i) { return places[level][i]; }, tiles.size());
    writeArray(directory.countsAt, directory.countBytes, [&](size_t i) { return tiles[i].count; }, tiles.size());
  }
  file.close();
}

}  // namespace altiplano::raster
