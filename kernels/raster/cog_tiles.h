// SPDX-License-Identifier: Apache-2.0
// A cloud-optimised GeoTIFF whose tiles are encoded in any order, by several threads: GDAL lays out the head
// (georeference, metadata, directories of all levels), tiles wait in a spool in their final form, and are put in their order at the end.
//
//   head | tiles of the coarsest overview | … | tiles of the first overview | tiles at full resolution
#ifndef ALTIPLANO_RASTER_COG_TILES_H_
#define ALTIPLANO_RASTER_COG_TILES_H_

#include <cpl_compressor.h>
#define ZSTD_STATIC_LINKING_ONLY  // compression by sequences found by the caller: exported, but not promised for ever (see checkZstdVersion)
#include <zstd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "byte_runs.h"
#include "tile_file.h"
#include "write.h"

namespace altiplano::raster {

inline constexpr int kCogTile = 512;

// Encodes tiles of kCogTile x kCogTile pixels: predictor (3 for floats, 2 for integers), then DEFLATE or ZSTD, which is told what repeats
// instead of searching for it. One per thread.
class TileEncoder {
 public:
  // compress: ZSTD; anything else is DEFLATE. Throws RasterFailure where GDAL or libzstd can't.
  explicit TileEncoder(const std::string& compress);
  // pixels: dense rows of Byte, UInt16 or Float32. Valid until the next call.
  std::span<const uint8_t> encode(const void* pixels, GDALDataType type);

 private:
  // The last tile of a pixel type that was of one value: where nothing has a height all tiles are alike.
  struct Plain {
    uint32_t value = 0;
    std::vector<uint8_t> encoded;
  };
  std::span<const uint8_t> encodeAnew(const void* pixels, size_t bytes, GDALDataType type);
  void appendSequences(const uint8_t* block, size_t bytes);
  size_t compress(const uint8_t* bytes, size_t count);

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd_{nullptr, &ZSTD_freeCCtx};  // null: DEFLATE
  const CPLCompressor* deflate_ = nullptr;
  std::vector<uint8_t> predicted_, encoded_;
  std::vector<ByteRun> runs_;              // of a block
  std::vector<ZSTD_Sequence> sequences_;  // of a tile
  std::array<Plain, GDT_TypeCount> plain_;
};

class CogTiles {
 public:
  // Writes the head with overviews by halves down to one tile. spec.blockSize must be kCogTile; its bands' data aren't used.
  // spool: a name for a temporary file of the tiles' size; nobody else sees it.
  CogTiles(std::string path, const GeoTiffSpec& spec, const std::string& spool);

  struct Level {
    int width, height, tilesAcross, tilesDown;
  };
  // 0 = full resolution.
  const std::vector<Level>& levels() const { return sizes_; }

  // Takes a tile. Several threads may put different tiles at the same time.
  void put(int level, int tileX, int tileY, std::span<const uint8_t> encoded);

  // Bytes of the tiles put so far.
  uint64_t size() const { return spooled_; }

  // Moves the tiles into the file. Every tile must have been put.
  void finish();

 private:
  struct Tile {
    uint64_t spooledAt = 0, at = 0;
    size_t count = 0;  // 0 = not put
  };
  void moveTiles(TileFile& file);

  std::string path_;
  std::vector<Level> sizes_;
  std::vector<TileDirectory> directories_;
  std::vector<std::vector<Tile>> tiles_;
  TileFile spool_;
  std::atomic<uint64_t> spooled_ = 0;
};

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_COG_TILES_H_
