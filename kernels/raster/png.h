// SPDX-License-Identifier: Apache-2.0
// Pictures as PNG, fast rather than small.
#ifndef ALTIPLANO_RASTER_PNG_H_
#define ALTIPLANO_RASTER_PNG_H_

#include <cstdint>
#include <vector>

namespace altiplano::raster {

// rgba: rows of red, green, blue, alpha bytes. The bytes of a PNG, grey and without alpha where all pixels are: all rows by one filter, then the fastest DEFLATE that GDAL has. Source: PNG
// specification, third edition (W3C 2025). Throws RasterFailure.
std::vector<uint8_t> encodePng(int width, int height, const uint8_t* rgba);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PNG_H_
