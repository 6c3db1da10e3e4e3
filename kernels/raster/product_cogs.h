// SPDX-License-Identifier: Apache-2.0
// The published layers of a merged DSM, all of them in one pass over it, on all cores.
#ifndef ALTIPLANO_RASTER_PRODUCT_COGS_H_
#define ALTIPLANO_RASTER_PRODUCT_COGS_H_

#include <array>
#include <string>
#include <vector>

#include "product_cells.h"
#include "read.h"
#include "write.h"

namespace altiplano::raster {

// In the order dsm, confidence, count, spread, validity.
inline constexpr int kLayers = 5;

// Cells of the merged grid, and the Reason of those without a height. What is in none is kNothing.
struct OwnedCells {
  Rect rect;
  uint16_t emptyReason = kNothing;
};

struct ProductSpec {
  std::string merged;  // float32 height
  std::string cells;   // of the same grid, uint16: confidence, count, spread; see MergedCells
  std::vector<OwnedCells> owned;
  Rect rect;           // its part to publish
  double originE = 0, originN = 0, resolution = 1;  // of that part
  std::string geoid;   // undulation raster; "" = heights stay ellipsoidal
  std::string crs;     // of the grid
  std::vector<std::vector<double>> roi, seen;  // rings, x and y by turns; none = everywhere
  float binsFrom = 0, binsTo = 1;
  int bins = 0;
  std::array<std::string, kLayers> paths;
  std::array<GeoTiffSpec, kLayers> files;
  std::string scratch;  // prefix of temporary files
  int threads = 1;
};

// Writes the layers and returns what they hold. Memory of a thread: 4 MB a level, 10 MB, and up to 16 MB of overviews that
// wait for their parent, whatever the size. The same bytes for any number of threads. Throws RasterFailure, also where the geoid does not cover a cell.
ProductTally writeProductCogs(const ProductSpec& spec);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PRODUCT_COGS_H_
