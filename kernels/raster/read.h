// SPDX-License-Identifier: Apache-2.0
// Reading windows of pixels together with what is valid in them. Failures throw RasterFailure.
#ifndef ALTIPLANO_RASTER_READ_H_
#define ALTIPLANO_RASTER_READ_H_

#include <cstdint>
#include <optional>
#include <string>

#include "session.h"

namespace altiplano::raster {

struct Rect {
  int col0 = 0;
  int row0 = 0;
  int width = 0;
  int height = 0;
};

struct WindowRequest {
  std::string path;
  int band = 1;                // counts from 1
  std::optional<Rect> rect;    // absent: all of it; pixels of the overview if one is asked for
  int overview = -1;           // index, -1 = full resolution
  std::string maskPath;        // "" = none; a raster of the image's full size, 0 = not valid
};

// A request that was checked against the file. Its bands are the session's: use it before the next open.
struct Window {
  WindowRequest request;
  Rect rect;
  GDALDataType type = GDT_Unknown;  // Byte, UInt16, Int16 or Float32: what readPixels delivers
  GDALRasterBand* fullBand = nullptr;
  GDALRasterBand* band = nullptr;      // of the overview asked for, else fullBand
  GDALRasterBand* maskFile = nullptr;  // first band of maskPath
  size_t pixels() const { return static_cast<size_t>(rect.width) * static_cast<size_t>(rect.height); }
};

// Refuses: no such file, band, overview; a window that leaves the image; pixels without grey values (admission.h).
Window openWindow(Session& session, const WindowRequest& request);

// out: rect.height rows of rect.width pixels of window.type.
void readPixels(const Window& window, void* out);

// valid: 1 where the pixel is valid by no-data value, NaN, mask band, alpha and mask file; else 0.
// pixels: what readPixels delivered. Returns whether every pixel is valid.
bool readValidity(const Window& window, const void* pixels, uint8_t* valid);

// NaN where readValidity says 0. pixels: what readPixels delivered for window.type = GDT_Float32.
void markInvalid(const Window& window, float* pixels);

// Whether the file or the request says anything about validity (beside NaN in float pixels).
bool mayHaveInvalid(const Window& window);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_READ_H_
