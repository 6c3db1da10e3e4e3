// SPDX-License-Identifier: Apache-2.0
// Cloud-optimised GeoTIFFs: products from rasters, and ingested images. Failures throw RasterFailure.
#ifndef ALTIPLANO_RASTER_COG_H_
#define ALTIPLANO_RASTER_COG_H_

#include <optional>
#include <string>

#include "read.h"
#include "session.h"

namespace altiplano::raster {

struct CogOptions {
  std::string overviewResampling = "AVERAGE";
  std::string compress = "DEFLATE";
  std::string predictor = "YES";  // YES: the one that suits the type; NO, STANDARD, FLOATING_POINT
  std::optional<Rect> srcWindow;
  std::string crs;                // replaces the source's; "" = keep
};

// Copies a raster (bands, no-data, mask, georeference, metadata) into a COG with 512 pixel blocks.
void makeCog(const std::string& source, const std::string& target, const CogOptions& options);

// Copies one band into an uncompressed GeoTIFF of tiles: pixel type of openWindow, validity as NaN (float) or internal
// mask band (integers), AVERAGE overviews over valid pixels. No georeference. Memory does not grow with the image.
void ingestImage(Session& session, const WindowRequest& source, const std::string& target);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_COG_H_
