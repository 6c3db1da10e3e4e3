// SPDX-License-Identifier: Apache-2.0
#include "shade.h"

#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "gdal_error.h"
#include "png.h"
#include "read.h"
#include "write.h"

namespace altiplano::raster {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int kNarrow = 500;
constexpr size_t kSamples = 400000;  // of a field, for its percentiles

// Float pixels, finite or NaN = not valid.
struct Field {
  int width = 0;
  int height = 0;
  double cellX = 1;  // metres per pixel
  double cellY = 1;
  std::vector<float> values;
  float at(int x, int y) const { return values[static_cast<size_t>(y) * width + x]; }
};

// The pixels of a band or of its overview, NaN where not valid.
std::vector<float> readAll(Session& session, const WindowRequest& request) {
  Window window = openWindow(session, request);
  window.type = GDT_Float32;
  std::vector<float> values(window.pixels());
  readPixels(window, values.data());
  markInvalid(window, values.data());
  return values;
}

// The finest overview that is no larger than maxSize a side; -1 = there is none.
int overviewWithin(GDALRasterBand& band, int maxSize) {
  for (int i = 0; i < band.GetOverviewCount(); ++i) {
    if (std::max(band.GetOverview(i)->GetXSize(), band.GetOverview(i)->GetYSize()) <= maxSize) return i;
  }
  return -1;
}

// A band averaged over valid pixels into width x height, NaN where there are none.
std::vector<float> readAveraged(GDALRasterBand& band, const std::string& path, int width, int height) {
  const ErrorScope errors;
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  extra.eResampleAlg = GRIORA_Average;
  std::vector<float> values(static_cast<size_t>(width) * height);
  const auto read = [&](GDALRasterBand& from, void* to, GDALDataType type, const char* what) {
    errors.check(from.RasterIO(GF_Read, 0, 0, band.GetXSize(), band.GetYSize(), to, width, height, type, 0, 0, &extra) == CE_None, path, what);
  };
  read(band, values.data(), GDT_Float32, "the pixels can't be read");
  int hasNoData = FALSE;
  const float noData = static_cast<float>(band.GetNoDataValue(&hasNoData));
  if (hasNoData) std::replace(values.begin(), values.end(), noData, kNaN);
  if ((band.GetMaskFlags() & (GMF_ALL_VALID | GMF_NODATA)) == 0) {
    std::vector<uint8_t> valid(values.size());
    read(*band.GetMaskBand(), valid.data(), GDT_Byte, "the mask can't be read");
    for (size_t i = 0; i < valid.size(); ++i) {
      if (valid[i] == 0) values[i] = kNaN;
    }
  }
  return values;
}

// A band reduced to at most maxSize a side: an overview where one is small enough, else averaged.
Field readReduced(Session& session, const std::string& path, int bandNumber, int maxSize) {
  WindowRequest request;
  request.path = path;
  request.band = bandNumber;
  GDALDataset& probe = session.open(path);
  if (bandNumber < 1 || bandNumber > probe.GetRasterCount()) throw RasterFailure(path, "has no such band");
  GDALRasterBand& band = *probe.GetRasterBand(bandNumber);
  const int fullWidth = band.GetXSize();
  const int fullHeight = band.GetYSize();
  const double factor = std::max(1.0, static_cast<double>(std::max(fullWidth, fullHeight)) / maxSize);
  request.overview = factor == 1.0 ? -1 : overviewWithin(band, maxSize);
  const bool asItIs = factor == 1.0 || request.overview >= 0;
  Field field;
  field.width = std::max(1, static_cast<int>(std::lround(fullWidth / factor)));
  field.height = std::max(1, static_cast<int>(std::lround(fullHeight / factor)));
  if (request.overview >= 0) {
    field.width = band.GetOverview(request.overview)->GetXSize();
    field.height = band.GetOverview(request.overview)->GetYSize();
  }
  field.values = asItIs ? readAll(session, request) : readAveraged(band, path, field.width, field.height);
  std::replace_if(field.values.begin(), field.values.end(), [](float value) { return std::isinf(value); }, kNaN);
  return field;
}

// Gives a field that was read from a raster its cells' size.
void measureCells(Session& session, const std::string& path, Field& field) {
  GDALDataset& dataset = session.open(path);
  const int width = dataset.GetRasterXSize(), height = dataset.GetRasterYSize();
  double geotransform[6];
  if (dataset.GetGeoTransform(geotransform) == CE_None) {
    const OGRSpatialReference* crs = dataset.GetSpatialRef();
    const double north = geotransform[3] + geotransform[5] * height / 2;
    const bool degrees = crs != nullptr && crs->IsGeographic();
    const double metres = degrees ? 111320.0 : 1.0;
    field.cellX = std::abs(geotransform[1]) * metres * (degrees ? std::cos(north * kPi / 180) : 1.0);
    field.cellY = std::abs(geotransform[5]) * metres;
  }
  field.cellX *= static_cast<double>(width) / field.width;
  field.cellY *= static_cast<double>(height) / field.height;
}

// Twice the pixels a side, linear between centres; where a neighbour is missing, the nearest one alone.
Field doubled(const Field& small) {
  Field large = small;
  large.width *= 2;
  large.height *= 2;
  large.cellX /= 2;
  large.cellY /= 2;
  large.values.resize(static_cast<size_t>(large.width) * large.height);
  for (int y = 0; y < large.height; ++y) {
    const int y0 = y / 2;
    const int y1 = std::clamp(y0 + (y & 1 ? 1 : -1), 0, small.height - 1);
    for (int x = 0; x < large.width; ++x) {
      const int x0 = x / 2;
      const int x1 = std::clamp(x0 + (x & 1 ? 1 : -1), 0, small.width - 1);
      const float near = small.at(x0, y0);
      const float mixed = 0.5625F * near + 0.1875F * (small.at(x1, y0) + small.at(x0, y1)) + 0.0625F * small.at(x1, y1);
      large.values[static_cast<size_t>(y) * large.width + x] = std::isnan(mixed) ? near : mixed;
    }
  }
  return large;
}

// The values below which `low` and `high` of the valid ones lie, from a sample of a large field; {0, 1} if there are none.
std::pair<float, float> percentiles(const std::vector<float>& values, double low, double high) {
  // An odd step: no two neighbouring columns of a field are always left out together.
  const size_t step = values.size() / kSamples * 2 + 1;
  std::vector<float> valid;
  for (size_t i = 0; i < values.size(); i += step) {
    if (std::isfinite(values[i])) valid.push_back(values[i]);
  }
  if (valid.empty()) return {0.0F, 1.0F};
  const auto at = [&valid](double share) {
    const auto nth = valid.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(valid.size() - 1));
    std::nth_element(valid.begin(), nth, valid.end());
    return *nth;
  };
  const float first = at(low);
  const float last = at(high);
  return {first, last > first ? last : first + 1.0F};
}

// Where a value lies between the percentiles, 0 to 1; 0 where single precision can't tell these apart.
float shareOf(float value, float low, float high) {
  const float share = (value - low) / (high - low);
  return share > 0 ? std::min(share, 1.0F) : 0.0F;  // also of NaN
}

struct Slope {
  float dx;  // metres of height per metre eastward
  float dy;  // … southward
};

// Horn's weights over 3 x 3 pixels; a missing neighbour counts as the centre. Source: Horn 1981, eq. 2.
Slope slopeAt(const Field& field, int x, int y) {
  const float centre = field.at(x, y);
  const auto height = [&](int dx, int dy) {
    const float h = field.at(std::clamp(x + dx, 0, field.width - 1), std::clamp(y + dy, 0, field.height - 1));
    return std::isnan(h) ? centre : h;
  };
  const float nw = height(-1, -1), n = height(0, -1), ne = height(1, -1), w = height(-1, 0), e = height(1, 0);
  const float sw = height(-1, 1), s = height(0, 1), se = height(1, 1);
  return {(ne + 2 * e + se - nw - 2 * w - sw) / (8 * static_cast<float>(field.cellX)),
          (sw + 2 * s + se - nw - 2 * n - ne) / (8 * static_cast<float>(field.cellY))};
}

// Light from 225, 270, 315 and 360 degrees at 45 degrees, each weighted by the squared sine between light and aspect;
// 1 = as bright as level ground. Source: Mark, Multidirectional oblique-weighted shaded-relief, USGS OFR 92-422, 1992.
float shadeOf(Slope slope, float exaggeration) {
  // Sine and cosine of the azimuths: the sine of a difference needs no angle.
  static constexpr float kDiagonal = 0.70710678F;
  static constexpr std::array<std::pair<float, float>, 4> kLights = {{{-kDiagonal, -kDiagonal}, {-1, 0}, {-kDiagonal, kDiagonal}, {0, 1}}};
  const float p = slope.dx * exaggeration;
  const float q = -slope.dy * exaggeration;  // northward
  const float square = p * p + q * q;
  const float length = std::sqrt(1 + square);
  const float perSquare = square > 0 ? 1 / square : 0;
  float sum = 0;
  float weights = 0;
  for (const auto& [sine, cosine] : kLights) {
    // The aspect points downhill: its sine is -p / sqrt(square), its cosine -q / sqrt(square); level ground faces north.
    const float across = square > 0 ? (q * sine - p * cosine) * (q * sine - p * cosine) * perSquare : sine * sine;
    const float weight = across + 1e-3F;
    const float light = (1 - p * sine - q * cosine) / length;
    sum += weight * std::max(0.0F, light);
    weights += weight;
  }
  return sum / weights;
}

// Exaggerates gentle relief, up to threefold, until its steeper tenth reaches a slope of 0.7.
float exaggerationFor(const Field& field) {
  std::vector<float> slopes;
  const auto width = static_cast<size_t>(field.width), step = std::max<size_t>(1, field.values.size() / 200000);
  for (size_t i = 0; i < field.values.size(); i += step) {
    if (std::isnan(field.values[i])) continue;
    const Slope slope = slopeAt(field, static_cast<int>(i % width), static_cast<int>(i / width));
    slopes.push_back(std::hypot(slope.dx, slope.dy));
  }
  const float steep = percentiles(slopes, 0.5, 0.9).second;
  return std::clamp(0.7F / std::max(steep, 1e-6F), 1.0F, 3.0F);
}

using Colour = std::array<float, 3>;

// Slate, sea green, leaf, straw, sand, chalk: lightness rises evenly. sRGB, 0 to 255.
constexpr std::array<Colour, 6> kRamp = {
    {{46, 88, 118}, {54, 130, 134}, {108, 166, 120}, {186, 195, 126}, {238, 220, 168}, {252, 248, 240}}};

Colour mixLinear(const Colour& a, const Colour& b, float t) {
  Colour out{};
  for (size_t i = 0; i < 3; ++i) {
    // Mixing in light (gamma 2.2), so that the middle isn't muddier than its neighbours.
    const float la = std::pow(a[i] / 255, 2.2F);
    const float lb = std::pow(b[i] / 255, 2.2F);
    out[i] = 255 * std::pow(la + (lb - la) * t, 1 / 2.2F);
  }
  return out;
}

std::array<Colour, 256> rampTable() {
  std::array<Colour, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const float position = static_cast<float>(i) / 255 * (kRamp.size() - 1);
    const size_t lower = std::min(static_cast<size_t>(position), kRamp.size() - 2);
    table[i] = mixLinear(kRamp[lower], kRamp[lower + 1], position - static_cast<float>(lower));
  }
  return table;
}

}  // namespace

Picture hillshade(Session& session, const std::string& path, int band, int maxSize) {
  Field field = readReduced(session, path, band, maxSize);
  measureCells(session, path, field);
  if (field.width < kNarrow) field = doubled(field);
  const auto [low, high] = percentiles(field.values, 0.02, 0.98);
  const float exaggeration = exaggerationFor(field);
  const float level = shadeOf({0, 0}, 1);
  const std::array<Colour, 256> ramp = rampTable();
  Picture picture{field.width, field.height, std::vector<uint8_t>(field.values.size() * 4)};
  uint8_t* out = picture.rgba.data();
  for (int y = 0; y < field.height; ++y) {
    for (int x = 0; x < field.width; ++x, out += 4) {
      const float height = field.at(x, y);
      if (std::isnan(height)) continue;  // transparent black
      const Colour& colour = ramp[static_cast<size_t>(std::lround(shareOf(height, low, high) * 255))];
      const float shade = shadeOf(slopeAt(field, x, y), exaggeration) / level;
      for (size_t i = 0; i < 3; ++i) {
        const float lit = shade <= 1 ? colour[i] * (0.2F + 0.8F * shade) : colour[i] + (255 - colour[i]) * (shade - 1) * 0.8F;
        out[i] = static_cast<uint8_t>(std::clamp(lit + 0.5F, 0.0F, 255.0F));
      }
      out[3] = 255;
    }
  }
  return picture;
}

Picture quicklook(Session& session, const std::string& path, int band, int maxSize) {
  const Field field = readReduced(session, path, band, maxSize);
  const auto [low, high] = percentiles(field.values, 0.02, 0.98);
  Picture picture{field.width, field.height, std::vector<uint8_t>(field.values.size() * 4)};
  for (size_t i = 0; i < field.values.size(); ++i) {
    if (std::isnan(field.values[i])) continue;
    std::fill_n(&picture.rgba[4 * i], 3, static_cast<uint8_t>(std::lround(shareOf(field.values[i], low, high) * 255)));
    picture.rgba[4 * i + 3] = 255;
  }
  return picture;
}

void writePng(const std::string& path, int width, int height, const uint8_t* rgba) {
  const std::vector<uint8_t> bytes = encodePng(width, height, rgba);
  VSILFILE* file = VSIFOpenL(path.c_str(), "wb");
  if (file == nullptr) throw RasterFailure(path, "can't be created");
  const bool isWritten = VSIFWriteL(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (VSIFCloseL(file) != 0 || !isWritten) throw RasterFailure(path, "can't be written (disk full?)");
}

void writeJpeg(const std::string& path, int width, int height, const uint8_t* rgba) {
  constexpr int kBands = 3;
  constexpr std::array<int, kBands> kGround = {195, 204, 214};
  std::vector<uint8_t> rgb(static_cast<size_t>(width) * height * kBands);
  for (size_t i = 0; i < rgb.size() / kBands; ++i) {
    const int alpha = rgba[4 * i + 3];
    for (size_t k = 0; k < kBands; ++k) rgb[kBands * i + k] = static_cast<uint8_t>((rgba[4 * i + k] * alpha + kGround[k] * (255 - alpha) + 127) / 255);
  }
  registerDrivers();
  const ThreadOption noPam("GDAL_PAM_ENABLED", "NO");
  const ErrorScope errors;
  GDALDriver* memory = GetGDALDriverManager()->GetDriverByName("MEM");
  GDALDriver* jpeg = GetGDALDriverManager()->GetDriverByName("JPEG");
  errors.check(memory != nullptr && jpeg != nullptr, path, "this GDAL has no driver for JPEG");
  DatasetPtr picture(memory->Create("", width, height, kBands, GDT_Byte, nullptr));
  errors.check(picture != nullptr, path, "no memory for the picture");
  errors.check(picture->RasterIO(GF_Write, 0, 0, width, height, rgb.data(), width, height, GDT_Byte, kBands, nullptr, kBands,
                                 static_cast<GSpacing>(kBands) * width, 1, nullptr) == CE_None,
               path, "the picture can't be written");
  CPLStringList small;
  small.SetNameValue("QUALITY", "75");
  DatasetPtr made(jpeg->CreateCopy(path.c_str(), picture.get(), FALSE, small, nullptr, nullptr));
  errors.check(made != nullptr && !errors.failed(), path, "the picture can't be written");
  finish(std::move(made), path);
}

}  // namespace altiplano::raster
