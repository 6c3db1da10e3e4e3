// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <optional>
#include <string_view>

#include "admission.h"
#include "gdal_error.h"

namespace altiplano::raster {
namespace {

constexpr size_t kOpenDatasets = 8;
constexpr size_t kOpenTransforms = 32;

constexpr std::string_view kUrlScheme = "s3://";
constexpr std::string_view kGdalPrefix = "/vsis3/";

// The name GDAL opens.
std::string gdalName(const std::string& path) {
  return path.starts_with(kUrlScheme) ? std::string(kGdalPrefix) + path.substr(kUrlScheme.size()) : path;
}

std::string stampOf(const std::string& path) {
  if (isInBucket(path)) return "";
  VSIStatBufL stat;
  if (VSIStatL(path.c_str(), &stat) != 0) return "";
  return std::to_string(stat.st_size) + "/" + std::to_string(stat.st_ino) + "/" + std::to_string(stat.st_mtim.tv_sec) +
         "." + std::to_string(stat.st_mtim.tv_nsec);
}

}  // namespace

bool isInBucket(const std::string& path) { return path.starts_with(kUrlScheme) || path.starts_with(kGdalPrefix); }

DatasetPtr openRaster(const std::string& path, bool alone) {
  registerDrivers();
  checkName(path);
  const ErrorScope errors;
  const std::string name = gdalName(path);
  CPLStringList siblings;
  siblings.AddString(CPLGetFilename(name.c_str()));
  const bool hidesSiblings = alone || isInBucket(path);
  // Its virtual file system would list the folder all the same, to know what isn't there.
  std::optional<ThreadOption> noListing;
  if (isInBucket(path)) noListing.emplace("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR");
  DatasetPtr dataset(GDALDataset::FromHandle(GDALOpenEx(name.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, nullptr,
                                                        nullptr, hidesSiblings ? siblings.List() : nullptr)));
  if (!dataset) errors.fail(path, "can't be opened as a raster");
  return dataset;
}

GDALDataset& Session::open(const std::string& path) {
  registerDrivers();  // before anything is looked at: only then the network is closed
  const std::string stamp = stampOf(path);
  for (auto entry = datasets_.begin(); entry != datasets_.end(); ++entry) {
    if (entry->path != path) continue;
    if (entry->stamp == stamp) {
      datasets_.splice(datasets_.begin(), datasets_, entry);
      return *datasets_.front().dataset;
    }
    datasets_.erase(entry);
    break;
  }
  datasets_.push_front({path, stamp, openRaster(path, false)});
  if (datasets_.size() > kOpenDatasets) datasets_.pop_back();
  return *datasets_.front().dataset;
}

void Session::forget(const std::string& path) {
  if (!isInBucket(path)) return;
  datasets_.remove_if([&path](const Entry& entry) { return entry.path == path; });
  VSICurlPartialClearCache(gdalName(path).c_str());
}

void Session::configure(const std::map<std::string, std::string>& options) {
  if (options == options_) return;
  registerDrivers();
  datasets_.clear();
  for (const auto& [name, value] : options) CPLSetConfigOption(name.c_str(), value.c_str());
  options_ = options;
}

OGRCoordinateTransformation& Session::transform(const std::string& fromCrs, const std::string& toCrs) {
  registerDrivers();
  const auto key = std::make_pair(fromCrs, toCrs);
  if (const auto found = transforms_.find(key); found != transforms_.end()) return *found->second;
  OGRSpatialReference from = parseCrs(fromCrs);
  OGRSpatialReference to = parseCrs(toCrs);
  // Points are horizontal positions here: a vertical part would only ask PROJ for geoid grids.
  if (from.IsCompound()) from.StripVertical();
  if (to.IsCompound()) to.StripVertical();
  const ErrorScope errors;
  TransformPtr transform(OGRCreateCoordinateTransformation(&from, &to));
  if (!transform) errors.fail(fromCrs, "no transformation to " + toCrs);
  if (transforms_.size() >= kOpenTransforms) transforms_.clear();
  return *transforms_.emplace(key, std::move(transform)).first->second;
}

void Session::closeAll() {
  datasets_.clear();
  transforms_.clear();
}

OGRSpatialReference parseCrs(const std::string& crs) {
  registerDrivers();
  const ErrorScope errors;
  OGRSpatialReference parsed;
  parsed.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const char* const limits[] = {"ALLOW_NETWORK_ACCESS=NO", "ALLOW_FILE_ACCESS=NO", nullptr};
  if (parsed.SetFromUserInput(crs.c_str(), limits) != OGRERR_NONE) errors.fail(crs, "isn't a CRS that PROJ knows");
  return parsed;
}

std::string formatCrs(const OGRSpatialReference& crs) {
  const auto epsg = [&crs](const char* node) -> std::string {
    const char* name = crs.GetAuthorityName(node);
    const char* code = crs.GetAuthorityCode(node);
    return name != nullptr && code != nullptr && EQUAL(name, "EPSG") ? code : "";
  };
  if (crs.IsCompound()) {
    const std::string horizontal = epsg(crs.IsProjected() ? "PROJCS" : "GEOGCS");
    const std::string vertical = epsg("VERT_CS");
    if (!horizontal.empty() && !vertical.empty()) return "EPSG:" + horizontal + "+" + vertical;
  } else if (const std::string code = epsg(nullptr); !code.empty()) {
    return "EPSG:" + code;
  }
  return wktOf(crs);
}

std::string wktOf(const OGRSpatialReference& crs) {
  const ErrorScope errors;
  char* wkt = nullptr;
  const char* const options[] = {"FORMAT=WKT2_2018", nullptr};
  crs.exportToWkt(&wkt, options);
  std::string text = wkt == nullptr ? "" : wkt;
  CPLFree(wkt);
  return text;
}

}  // namespace altiplano::raster
