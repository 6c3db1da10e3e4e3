// SPDX-License-Identifier: Apache-2.0
// A cloud-optimised GeoTIFF whose tiles are encoded in any order, by several threads: GDAL lays out the head
// (georeference, metadata, directories of all levels), tiles wait in spools in their final form, and are put in their order at the end.
//
//   head | tiles of the coarsest overview | … | tiles of the first overview | tiles at full resolution
#ifndef ALTIPLANO_RASTER_COG_TILES_H_
#define ALTIPLANO_RASTER_COG_TILES_H_

#include <cpl_compressor.h>
#include <cpl_vsi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "write.h"

namespace altiplano::raster {

inline constexpr int kCogTile = 512;

// One thread's encoded tiles of all layers, in the order of their making, in a temporary file.
class Spool {
 public:
  explicit Spool(std::string path);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Returns where the bytes begin. Only its thread may call it.
  uint64_t append(const void* bytes, size_t count);
  void read(uint64_t from, size_t count, void* bytes);

 private:
  std::string path_;
  VSILFILE* file_ = nullptr;
  uint64_t size_ = 0;
};

// Encodes tiles of kCogTile x kCogTile pixels: predictor (3 for floats, 2 for integers), then DEFLATE or ZSTD. One per thread.
class TileEncoder {
 public:
  explicit TileEncoder(const std::string& compress);
  // Valid until the next call.
  const std::vector<uint8_t>& encode(const void* pixels, GDALDataType type);

 private:
  const CPLCompressor* compressor_;
  const char* level_;
  std::vector<uint8_t> predicted_, encoded_;
};

class CogTiles {
 public:
  // Writes the head with overviews by halves down to one tile. spec.blockSize must be kCogTile; its bands' data aren't used.
  CogTiles(std::string path, const GeoTiffSpec& spec);

  struct Level {
    int width, height, tilesAcross, tilesDown;
  };
  // 0 = full resolution.
  const std::vector<Level>& levels() const { return sizes_; }

  // Remembers where a tile waits. Several threads may put different tiles at the same time.
  void put(int level, int tileX, int tileY, Spool& spool, uint64_t from, size_t count);

  // Puts the tiles into the file. Every tile must have been put.
  void finish();

 private:
  struct Waiting {
    Spool* spool = nullptr;
    uint64_t from = 0;
    size_t count = 0;
  };
  struct Directory {
    uint64_t offsetsAt = 0, countsAt = 0;  // where the file holds the tiles' places and sizes
    int offsetBytes = 4, countBytes = 4;
  };
  void readDirectories();

  std::string path_;
  std::vector<Level> sizes_;
  std::vector<Directory> directories_;
  std::vector<std::vector<Waiting>> tiles_;
};

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_COG_TILES_H_
