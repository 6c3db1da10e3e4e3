// SPDX-License-Identifier: Apache-2.0
#include "cog_tiles.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

static_assert(std::endian::native == std::endian::little, "GDAL writes TIFF in the machine's order, and so do we");

constexpr int kTileOffsets = 324, kTileByteCounts = 325;  // TIFF 6.0, section 15

// Of the spool's end, given back to the system as soon as they are moved: the file's next pages are made of them.
constexpr uint64_t kMovedAtOnce = 8 << 20;

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

TileFile::TileFile(std::string path, int flags) : path_(std::move(path)), file_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw RasterFailure(path_, std::string("can't be opened: ") + std::strerror(errno));
}

TileFile::~TileFile() {
  if (file_ >= 0) ::close(file_);
}

void TileFile::readAt(uint64_t offset, void* bytes, size_t count) const {
  for (size_t done = 0; done < count;) {
    const ssize_t part = pread(file_, static_cast<uint8_t*>(bytes) + done, count - done, static_cast<off_t>(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) throw RasterFailure(path_, "can't be read back");
    done += static_cast<size_t>(part);
  }
}

void TileFile::writeAt(uint64_t offset, const void* bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t part = pwrite(file_, static_cast<const uint8_t*>(bytes) + done, count - done, static_cast<off_t>(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) throw RasterFailure(path_, std::string("can't be written: ") + std::strerror(errno));
    done += static_cast<size_t>(part);
  }
}

void TileFile::truncate(uint64_t size) {
  if (ftruncate(file_, static_cast<off_t>(size)) != 0) throw RasterFailure(path_, std::string("can't be cut: ") + std::strerror(errno));
}

uint64_t TileFile::size() const {
  struct stat status {};
  if (fstat(file_, &status) != 0) throw RasterFailure(path_, std::string("can't be measured: ") + std::strerror(errno));
  return static_cast<uint64_t>(status.st_size);
}

void TileFile::close() {
  if (::close(std::exchange(file_, -1)) != 0) throw RasterFailure(path_, std::string("can't be written: ") + std::strerror(errno));
}

TileEncoder::TileEncoder(const std::string& compress)
    : compressor_(CPLGetCompressor(compress == "ZSTD" ? "zstd" : "zlib")), level_("LEVEL=1") {
  if (compressor_ == nullptr) throw RasterFailure(compress, "this GDAL has no such compressor");
  predicted_.resize(static_cast<size_t>(kCogTile) * kCogTile * 4);
  // Incompressible input grows by some bytes per kilobyte at most.
  encoded_.resize(predicted_.size() + predicted_.size() / 64 + 1024);
}

const std::vector<uint8_t>& TileEncoder::encode(const void* pixels, GDALDataType type) {
  const auto pixel = static_cast<size_t>(GDALGetDataTypeSizeBytes(type)), bytes = kCogTile * kCogTile * pixel;
  // Every pixel is its left neighbour.
  if (std::memcmp(pixels, static_cast<const uint8_t*>(pixels) + pixel, bytes - pixel) != 0) return encodeAnew(pixels, bytes, type);
  uint32_t value = 0;
  std::memcpy(&value, pixels, pixel);
  Plain& plain = plain_[static_cast<size_t>(type)];
  if (plain.encoded.empty() || plain.value != value) plain = {value, encodeAnew(pixels, bytes, type)};
  return plain.encoded;
}

const std::vector<uint8_t>& TileEncoder::encodeAnew(const void* pixels, size_t bytes, GDALDataType type) {
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
  readDirectories();
}

// Where each directory keeps its tiles' places. Sources: TIFF 6.0, section 2; the BigTIFF design of libtiff.
void CogTiles::readDirectories() {
  const TileFile head(path_, O_RDONLY);
  const auto number = [&head]<typename T>(T, uint64_t offset) {
    T value{};
    head.readAt(offset, &value, sizeof(T));
    return value;
  };
  const auto short2 = [&](uint64_t offset) { return number(uint16_t{}, offset); };
  const auto long4 = [&](uint64_t offset) { return number(uint32_t{}, offset); };
  const auto long8 = [&](uint64_t offset) { return number(uint64_t{}, offset); };
  const bool isBig = short2(2) == 43;
  uint64_t at = isBig ? long8(8) : long4(4);
  while (at != 0) {
    const uint64_t entries = isBig ? long8(at) : short2(at);
    const uint64_t first = at + (isBig ? 8 : 2);
    const uint64_t entryBytes = isBig ? 20 : 12;
    Directory directory;
    const uint64_t tiles = directories_.size() < tiles_.size() ? tiles_[directories_.size()].size() : 0;
    for (uint64_t entry = first; entry < first + entries * entryBytes; entry += entryBytes) {
      const int tag = short2(entry);
      if (tag != kTileOffsets && tag != kTileByteCounts) continue;
      const int type = short2(entry + 2);
      const uint64_t count = isBig ? long8(entry + 4) : long4(entry + 4);
      const int bytes = type == 16 ? 8 : type == 4 ? 4 : 0;  // LONG8, LONG
      if (bytes == 0 || count != tiles) throw RasterFailure(path_, "GDAL laid out its tiles in an unknown way");
      const uint64_t valueAt = entry + (isBig ? 12 : 8);
      const bool inside = count * bytes <= (isBig ? 8U : 4U);
      const uint64_t array = inside ? valueAt : isBig ? long8(valueAt) : long4(valueAt);
      (tag == kTileOffsets ? directory.offsetsAt : directory.countsAt) = array;
      (tag == kTileOffsets ? directory.offsetBytes : directory.countBytes) = bytes;
    }
    directories_.push_back(directory);
    at = isBig ? long8(first + entries * entryBytes) : long4(first + entries * entryBytes);
  }
  if (directories_.size() != sizes_.size()) throw RasterFailure(path_, "GDAL laid out another number of overviews");
}

void CogTiles::put(int level, int tileX, int tileY, const std::vector<uint8_t>& encoded) {
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
  const auto writeArray = [&](uint64_t at, int width, auto valueOf, size_t count) {
    std::vector<uint8_t> array(count * static_cast<size_t>(width));
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = valueOf(i);
      if (width == 4 && value > 0xFFFFFFFFU) throw RasterFailure(path_, "grew beyond 4 GB, but is no BigTIFF");
      std::memcpy(array.data() + i * static_cast<size_t>(width), &value, static_cast<size_t>(width));
    }
    file.writeAt(at, array.data(), array.size());
  };
  for (size_t level = 0; level < tiles_.size(); ++level) {
    const Directory& directory = directories_[level];
    const auto& tiles = tiles_[level];
    writeArray(directory.offsetsAt, directory.offsetBytes, [&](size_t i) { return tiles[i].at; }, tiles.size());
    writeArray(directory.countsAt, directory.countBytes, [&](size_t i) { return tiles[i].count; }, tiles.size());
  }
  file.close();
}

}  // namespace altiplano::raster
