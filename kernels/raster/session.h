// SPDX-License-Identifier: Apache-2.0
// What a JavaScript thread keeps open: GDAL's handles may not be shared between threads.
#ifndef ALTIPLANO_RASTER_SESSION_H_
#define ALTIPLANO_RASTER_SESSION_H_

#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace altiplano::raster {

struct CloseDataset {
  void operator()(GDALDataset* dataset) const { GDALClose(GDALDataset::ToHandle(dataset)); }
};
using DatasetPtr = std::unique_ptr<GDALDataset, CloseDataset>;

struct DestroyTransform {
  void operator()(OGRCoordinateTransformation* t) const { OGRCoordinateTransformation::DestroyCT(t); }
};
using TransformPtr = std::unique_ptr<OGRCoordinateTransformation, DestroyTransform>;

class Session {
 public:
  // The dataset, read-only; stays valid until the next call. A file that changed on disk is opened anew; an object in a
  // bucket is looked at once, for what is under a key stays.
  GDALDataset& open(const std::string& path);
  // Makes the next open() ask anew, whatever GDAL remembers of an object that couldn't be read.
  void forget(const std::string& path);
  // Sets options of GDAL for the whole process. Where one is new to this thread, what it has open is closed:
  // GDAL's handles keep the credentials they began with.
  void configure(const std::map<std::string, std::string>& options);
  // x = east or longitude, y = north or latitude, whatever order the authority states.
  OGRCoordinateTransformation& transform(const std::string& fromCrs, const std::string& toCrs);
  void closeAll();

 private:
  struct Entry {
    std::string path;
    std::string stamp;  // size, modification time and inode
    DatasetPtr dataset;
  };
  std::list<Entry> datasets_;  // latest first
  std::map<std::pair<std::string, std::string>, TransformPtr> transforms_;
  std::map<std::string, std::string> options_;
};

// Whether a path names an object in a bucket: 's3://bucket/key' or GDAL's '/vsis3/bucket/key'.
bool isInBucket(const std::string& path);

// Opens a raster; with `alone`, as if no other file lay beside it (no .aux.xml, _RPC.TXT, .msk …). In a bucket it always
// is: looking would list what may be a million keys.
DatasetPtr openRaster(const std::string& path, bool alone);

// Parses 'EPSG:32636', 'EPSG:32636+5773', WKT, PROJJSON …, never by network or file; traditional axis order.
OGRSpatialReference parseCrs(const std::string& crs);
// 'EPSG:n' or 'EPSG:n+m' where the CRS says so, else WKT 2.
std::string formatCrs(const OGRSpatialReference& crs);
// WKT 2; "" where it can't be said.
std::string wktOf(const OGRSpatialReference& crs);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_SESSION_H_
