// SPDX-License-Identifier: Apache-2.0
// Pictures as PNG, fast rather than small.
#ifndef ALTIPLANO_RASTER_PNG_H_
#define ALTIPLANO_RASTER_PNG_H_

#include <cstdint>
#include <vector>

namespace altiplano::raster {

// A PNG's bytes from rows of red, green, blue, alpha bytes; of only the bands that are needed where all pixels are grey or opaque. All rows are
// filtered alike, then go through the fastest DEFLATE that GDAL has. Throws RasterFailure.
// Source: PNG specification, third edition (W3C 2025).
std::vector<uint8_t> encodePng(int width, int height, const uint8_t* rgba);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PNG_H_
