// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gdal_error.h"
#include "read.h"

namespace altiplano::raster {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// Points close together are read as one window up to this size; scattered ones cell by cell.
constexpr int64_t kWindowPixels = int64_t{1} << 24;

// Rows of float pixels with NaN where not valid.
struct Cells {
  Rect rect;
  std::vector<float> values;
};

Cells readCells(Window window, const Rect& rect) {
  window.rect = rect;
  window.type = GDT_Float32;
  Cells cells{rect, std::vector<float>(window.pixels())};
  readPixels(window, cells.values.data());
  std::vector<uint8_t> valid(window.pixels());
  if (!readValidity(window, cells.values.data(), valid.data())) {
    for (size_t i = 0; i < valid.size(); ++i) {
      if (valid[i] == 0) cells.values[i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  return cells;
}

}  // namespace

void project(OGRCoordinateTransformation& transform, std::vector<double>& x, std::vector<double>& y) {
  const ErrorScope errors;
  std::vector<int> ok(x.size());
  // PROJ answers false if any point failed: the flags say which.
  transform.Transform(static_cast<int>(x.size()), x.data(), y.data(), nullptr, ok.data());
  for (size_t i = 0; i < x.size(); ++i) {
    if (ok[i] == 0 || !std::isfinite(x[i]) || !std::isfinite(y[i])) x[i] = y[i] = kNaN;
  }
}

void sampleBilinear(Session& session, const std::string& path, int band, const std::string& crsOfPoints,
                    std::vector<double>& x, std::vector<double>& y, double* out) {
  WindowRequest request;
  request.path = path;
  request.band = band;
  GDALDataset& dataset = session.open(path);
  const OGRSpatialReference* spatial = dataset.GetSpatialRef();
  if (spatial == nullptr || spatial->IsEmpty()) throw RasterFailure(path, "has no CRS, so points can't be found in it");
  double forward[6];
  double inverse[6];
  if (dataset.GetGeoTransform(forward) != CE_None || !GDALInvGeoTransform(forward, inverse)) {
    throw RasterFailure(path, "has no usable geotransform");
  }
  const std::string rasterCrs = formatCrs(*spatial);
  const bool geographic = spatial->IsGeographic();
  project(session.transform(crsOfPoints, rasterCrs), x, y);

  const int width = dataset.GetRasterXSize();
  const int height = dataset.GetRasterYSize();
  const double turn = 360.0 / std::abs(forward[1]);  // columns once around the Earth
  const bool global = geographic && forward[2] == 0 && std::abs(width - turn) < 1.5;
  const int around = global ? static_cast<int>(std::lround(turn)) : 0;
  // Whether the first column lies beside the last. Global grids often repeat the first meridian in the last column (EGM96: 1441 columns a
  // quarter degree apart); others lack a column, and between their last and their first there is nothing.
  const bool joins = global && width >= around;
  std::vector<double>& col = x;
  std::vector<double>& row = y;
  int64_t col0 = width, col1 = -1, row0 = height, row1 = -1;
  for (size_t i = 0; i < col.size(); ++i) {
    double c = inverse[0] + inverse[1] * x[i] + inverse[2] * y[i] - 0.5;
    const double r = inverse[3] + inverse[4] * x[i] + inverse[5] * y[i] - 0.5;
    if (global) c -= std::floor(c / turn) * turn;
    // The rounding of projections must not push a point on the outermost centre out.
    const double slack = 1e-7;
    const bool inside = c >= -slack && c <= (joins ? turn : width - 1 + slack) && r >= -slack && r <= height - 1 + slack;
    col[i] = inside ? std::max(c, 0.0) : kNaN;
    row[i] = inside ? std::clamp(r, 0.0, height - 1.0) : kNaN;
    if (!inside) continue;
    if (!joins) col[i] = std::min(col[i], width - 1.0);
    col0 = std::min(col0, static_cast<int64_t>(col[i]));
    col1 = std::max(col1, static_cast<int64_t>(col[i]) + 1);
    row0 = std::min(row0, static_cast<int64_t>(row[i]));
    row1 = std::max(row1, static_cast<int64_t>(row[i]) + 1);
  }
  std::fill(out, out + col.size(), kNaN);
  if (col1 < 0) return;
  const Window window = openWindow(session, request);
  if (joins && col1 >= width) {
    col0 = 0;
    col1 = width - 1;
  }
  col1 = std::min<int64_t>(col1, width - 1);
  row1 = std::min<int64_t>(row1, height - 1);
  const bool together = (col1 - col0 + 1) * (row1 - row0 + 1) <= kWindowPixels;
  Cells cells;
  if (together) {
    cells = readCells(window, Rect{static_cast<int>(col0), static_cast<int>(row0), static_cast<int>(col1 - col0 + 1),
                                   static_cast<int>(row1 - row0 + 1)});
  }
  for (size_t i = 0; i < col.size(); ++i) {
    if (std::isnan(col[i])) continue;
    const int c0 = static_cast<int>(col[i]);
    const int r0 = static_cast<int>(row[i]);
    const double fc = col[i] - c0;
    const double fr = row[i] - r0;
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      const double weight = (k & 1 ? fc : 1 - fc) * (k & 2 ? fr : 1 - fr);
      if (weight == 0) continue;  // a cell that doesn't count may be no-data or lie outside
      int c = c0 + (k & 1);
      const int r = r0 + (k >> 1);
      if (c >= width) c -= around;
      if (together) {
        sum += weight * cells.values[static_cast<size_t>(r - cells.rect.row0) * cells.rect.width + (c - cells.rect.col0)];
      } else {
        sum += weight * readCells(window, Rect{c, r, 1, 1}).values[0];
      }
    }
    out[i] = sum;
  }
}

}  // namespace altiplano::raster
