// SPDX-License-Identifier: Apache-2.0
// A tiled GeoTIFF that isn't compressed, written piece by piece past GDAL, which lays out its head. A tile of nothing but no-data (0 without
// one) takes no room, and others lie in the order in which they were first written.
#ifndef ALTIPLANO_RASTER_PLAIN_TILES_H_
#define ALTIPLANO_RASTER_PLAIN_TILES_H_

#include <string>
#include <vector>

#include "read.h"
#include "tile_file.h"
#include "write.h"

namespace altiplano::raster {

class PlainTiles {
 public:
  // spec.compress is NONE and spec.blockSize a tile's side; its bands' data aren't used.
  PlainTiles(const std::string& path, const GeoTiffSpec& spec);

  // Writes dense rows of `type` into a rectangle of a band (from 1), which lies inside. A tile that the rectangle covers in part is read back if it
  // was written before: rectangles of whole tiles are cheapest. Not for several threads at once.
  void write(int band, const Rect& rect, const void* data, GDALDataType type);

  // Says in the head where the tiles are.
  void close();

 private:
  void writeTile(int band, int tileX, int tileY, const Rect& rect, const uint8_t* data);

  GDALDataType type_;
  size_t pixelBytes_;
  int side_, across_, down_;
  TileFile file_;
  TileDirectory directory_;
  TilePlaces places_;
  uint64_t end_ = 0;
  std::vector<uint8_t> empty_, tile_;  // a tile of no-data, and the one being written
};

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PLAIN_TILES_H_
