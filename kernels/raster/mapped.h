// SPDX-License-Identifier: Apache-2.0
// Pixels read where they lie: a file that isn't compressed can be looked at without a copy.
#ifndef ALTIPLANO_RASTER_MAPPED_H_
#define ALTIPLANO_RASTER_MAPPED_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "session.h"

namespace altiplano::raster {

// A file in memory, read-only. The system brings its pages as they are touched, and may take them back.
class MappedFile {
 public:
  // Throws RasterFailure where the system doesn't.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // Gives the pages touched so far back to the system; touching them again costs little more than the first time.
  void letGo() const;

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Tells the system that a file won't be read for long: what it has of it in memory and on disk makes room for other files. Only a
// hint: nothing happens where the file is gone.
void dropCached(const std::string& path);

// Where an uncompressed raster of one type keeps its pixels.
struct PixelLayout {
  GDALDataType type = GDT_Unknown;
  int width = 0, height = 0, bands = 0;
  int blockWidth = 0, blockHeight = 0, blocksAcross = 0, blocksDown = 0;
  std::vector<uint64_t> offsets;  // by band, row and column of the block; 0 = never written
  size_t blockBytes() const { return static_cast<size_t>(blockWidth) * blockHeight * GDALGetDataTypeSizeBytes(type); }
  uint64_t offsetOf(int band, int blockX, int blockY) const {
    return offsets[(static_cast<size_t>(band) * blocksDown + blockY) * blocksAcross + blockX];
  }
};

// Null where pixels can't be read where they lie: not a GeoTIFF on this machine, compressed, bands by pixel, or at odd places.
std::optional<PixelLayout> pixelLayout(Session& session, const std::string& path);

// Where each band lies in one run of rows from top to bottom: their offsets in the file. Empty if not.
std::vector<uint64_t> wholeBands(const PixelLayout& layout);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_MAPPED_H_
