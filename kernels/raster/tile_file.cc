// SPDX-License-Identifier: Apache-2.0
#include "tile_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

static_assert(std::endian::native == std::endian::little, "GDAL writes TIFF in the machine's order, and so do we");

constexpr int kTileOffsets = 324, kTileByteCounts = 325;
constexpr int kShort = 3, kLong = 4, kLong8 = 16;

[[noreturn]] void fail(const std::string& path, const char* what) { throw RasterFailure(path, std::string(what) + ": " + std::strerror(errno)); }

int bytesOf(int type) {
  switch (type) {
    case kShort: return 2;
    case kLong: return 4;
    case kLong8: return 8;
    default: return 0;
  }
}

// Little-endian, of up to eight bytes.
uint64_t numberAt(const TileFile& file, uint64_t offset, int bytes) {
  uint64_t value = 0;
  file.readAt(offset, &value, static_cast<size_t>(bytes));
  return value;
}

void writeNumbers(TileFile& file, uint64_t at, int bytes, const std::vector<uint64_t>& values) {
  const auto width = static_cast<size_t>(bytes);
  std::vector<uint8_t> array(values.size() * width);
  for (size_t i = 0; i < values.size(); ++i) {
    if (width < 8 && values[i] >> (8 * width) != 0) throw RasterFailure(file.path(), "grew beyond 4 GB, but is no BigTIFF");
    std::memcpy(array.data() + i * width, &values[i], width);
  }
  file.writeAt(at, array.data(), array.size());
}

}  // namespace

TileFile::TileFile(std::string path, int flags) : path_(std::move(path)), file_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail(path_, "can't be opened");
}

TileFile::~TileFile() {
  if (file_ >= 0) ::close(file_);
}

void TileFile::readAt(uint64_t offset, void* bytes, size_t count) const {
  for (size_t done = 0; done < count;) {
    const ssize_t part = pread(file_, static_cast<uint8_t*>(bytes) + done, count - done, static_cast<off_t>(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) fail(path_, "can't be read back");
    if (part == 0) throw RasterFailure(path_, "can't be read back: it is shorter than it was");
    done += static_cast<size_t>(part);
  }
}

void TileFile::writeAt(uint64_t offset, const void* bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t part = pwrite(file_, static_cast<const uint8_t*>(bytes) + done, count - done, static_cast<off_t>(offset + done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) fail(path_, "can't be written");
    done += static_cast<size_t>(part);
  }
}

void TileFile::truncate(uint64_t size) {
  if (ftruncate(file_, static_cast<off_t>(size)) != 0) fail(path_, "can't be cut");
}

uint64_t TileFile::size() const {
  struct stat status {};
  if (fstat(file_, &status) != 0) fail(path_, "can't be measured");
  return static_cast<uint64_t>(status.st_size);
}

void TileFile::close() {
  if (::close(std::exchange(file_, -1)) != 0) fail(path_, "can't be written");
}

std::vector<TileDirectory> tileDirectories(const TileFile& file) {
  const bool isBig = numberAt(file, 2, 2) == 43;
  const int wide = isBig ? 8 : 4;  // bytes of an offset and of a count
  const uint64_t entryBytes = isBig ? 20 : 12, entriesBytes = isBig ? 8 : 2;
  std::vector<TileDirectory> directories;
  for (uint64_t at = numberAt(file, isBig ? 8 : 4, wide); at != 0;) {
    TileDirectory directory;
    const uint64_t first = at + entriesBytes, end = first + numberAt(file, at, static_cast<int>(entriesBytes)) * entryBytes;
    for (uint64_t entry = first; entry < end; entry += entryBytes) {
      const auto tag = static_cast<int>(numberAt(file, entry, 2));
      if (tag != kTileOffsets && tag != kTileByteCounts) continue;
      const int bytes = bytesOf(static_cast<int>(numberAt(file, entry + 2, 2)));
      const uint64_t tiles = numberAt(file, entry + 4, wide), valueAt = entry + 4 + static_cast<uint64_t>(wide);
      if (bytes == 0 || (directory.tiles != 0 && directory.tiles != tiles)) throw RasterFailure(file.path(), "GDAL laid out its tiles in an unknown way");
      directory.tiles = tiles;
      const uint64_t array = tiles * static_cast<uint64_t>(bytes) <= static_cast<uint64_t>(wide) ? valueAt : numberAt(file, valueAt, wide);
      (tag == kTileOffsets ? directory.offsetsAt : directory.countsAt) = array;
      (tag == kTileOffsets ? directory.offsetBytes : directory.countBytes) = bytes;
    }
    directories.push_back(directory);
    at = numberAt(file, end, wide);
  }
  return directories;
}

void writeTilePlaces(TileFile& file, const TileDirectory& directory, const TilePlaces& places) {
  writeNumbers(file, directory.offsetsAt, directory.offsetBytes, places.offsets);
  writeNumbers(file, directory.countsAt, directory.countBytes, places.counts);
}

}  // namespace altiplano::raster
