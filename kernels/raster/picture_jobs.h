// SPDX-License-Identifier: Apache-2.0
// Pictures drawn side by side, each written in one or several sizes.
#ifndef ALTIPLANO_RASTER_PICTURE_JOBS_H_
#define ALTIPLANO_RASTER_PICTURE_JOBS_H_

#include <string>
#include <vector>

#include "shade.h"

namespace altiplano::raster {

struct PictureJob {
  struct File {
    std::string path;
    bool isJpeg;  // else a PNG
    int maxSize;  // longest side; a larger picture is reduced by a whole number; 0 = as it is
  };
  std::string source;
  bool isHillshade;  // else a quicklook
  int band;
  int maxSize;
  std::vector<File> files;
};

// Draws and writes all of them, on at most so many threads, at least 1. The first is drawn on the caller's: only there PROJ has been
// used before, which a hillshade asks whether its cells are degrees. Once all have ended, the failure of the first job that
// failed is thrown.
void drawPictures(Session& session, const std::vector<PictureJob>& jobs, int threads);

// Averages squares of pixels, as small as leave no side longer than maxSize (at least 1): colours weighted by alpha, and alpha itself.
// A picture that is small enough comes back as it is.
Picture reduced(Picture picture, int maxSize);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PICTURE_JOBS_H_
