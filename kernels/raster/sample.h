// SPDX-License-Identifier: Apache-2.0
// Projecting points, and values of a raster (a DEM, a geoid) at points.
#ifndef ALTIPLANO_RASTER_SAMPLE_H_
#define ALTIPLANO_RASTER_SAMPLE_H_

#include <string>
#include <vector>

#include "session.h"

namespace altiplano::raster {

// Projects points in place; NaN where the projection has no answer.
void project(OGRCoordinateTransformation& transform, std::vector<double>& x, std::vector<double>& y);

// out[i]: bilinear value at point i, between the centres of four cells; NaN outside the outermost centres and
// where one of the cells that count isn't valid. Rasters around the whole Earth join at their edge. x, y: points in crsOfPoints, overwritten.
// Throws RasterFailure: no such file or band, no CRS or geotransform.
void sampleBilinear(Session& session, const std::string& path, int band, const std::string& crsOfPoints,
                    std::vector<double>& x, std::vector<double>& y, double* out);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_SAMPLE_H_
