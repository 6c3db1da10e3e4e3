// SPDX-License-Identifier: Apache-2.0
// Pictures for reports: shaded heights and stretched images, and their way into a file. Failures throw RasterFailure.
#ifndef ALTIPLANO_RASTER_SHADE_H_
#define ALTIPLANO_RASTER_SHADE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "session.h"

namespace altiplano::raster {

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgba;  // rows of red, green, blue, alpha
};

// Heights of a raster as a hillshade lit from four sides, on a colour ramp from the 2nd to the 98th percentile.
// Averaged down until no side is longer than maxSize; twice as large if narrower than 500 pixels. No-data is transparent.
Picture hillshade(Session& session, const std::string& path, int band, int maxSize);

// An image's grey values, black at the 2nd and white at the 98th percentile; averaged down to maxSize.
Picture quicklook(Session& session, const std::string& path, int band, int maxSize);

// rgba: as of Picture.
void writePng(const std::string& path, int width, int height, const uint8_t* rgba);

// The same on light grey, as a JPEG is never transparent.
void writeJpeg(const std::string& path, int width, int height, const uint8_t* rgba);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_SHADE_H_
