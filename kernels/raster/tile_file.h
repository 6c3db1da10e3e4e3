// SPDX-License-Identifier: Apache-2.0
// Tiles put into a GeoTIFF past GDAL, which writes its head: the file by its descriptor, and where its directories keep the tiles' places.
#ifndef ALTIPLANO_RASTER_TILE_FILE_H_
#define ALTIPLANO_RASTER_TILE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace altiplano::raster {

// Reads and writes whole tiles, at any place, from any thread. Failures throw RasterFailure and name the file.
class TileFile {
 public:
  // flags: of open(2).
  TileFile(std::string path, int flags);
  ~TileFile();
  TileFile(const TileFile&) = delete;
  TileFile& operator=(const TileFile&) = delete;

  const std::string& path() const { return path_; }
  void readAt(uint64_t offset, void* bytes, size_t count) const;
  void writeAt(uint64_t offset, const void* bytes, size_t count);
  // Drops what lies from here on.
  void truncate(uint64_t size);
  uint64_t size() const;
  void close();

 private:
  std::string path_;
  int file_ = -1;
};

// Where a directory (the image, or an overview) has the offsets and the sizes of its tiles.
struct TileDirectory {
  uint64_t tiles = 0, offsetsAt = 0, countsAt = 0;
  int offsetBytes = 0, countBytes = 0;
};

// In the order of the file. Sources: TIFF 6.0, sections 2 and 15; the BigTIFF design of libtiff.
std::vector<TileDirectory> tileDirectories(const TileFile& file);

// The places of all tiles of a directory, row by row; of several bands one after the other. Offset 0 = there is none.
struct TilePlaces {
  std::vector<uint64_t> offsets, counts;
};
void writeTilePlaces(TileFile& file, const TileDirectory& directory, const TilePlaces& places);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_TILE_FILE_H_
