// SPDX-License-Identifier: Apache-2.0
// What may be opened and read at all. GDAL takes far more for a raster than an image in a file: addresses in the network, archives,
// database connections, XML in place of a name. An image's name may come from anybody who may submit a scene, and a file in it (a VRT, a
// web service's description) may name more; so Altiplano reads files, folders and objects in s3:// buckets, and nothing else.
#ifndef ALTIPLANO_RASTER_ADMISSION_H_
#define ALTIPLANO_RASTER_ADMISSION_H_

#include <gdal_priv.h>

#include <string>

namespace altiplano::raster {

// Drivers that ask a server or a database, for GDAL's option GDAL_SKIP: told before drivers are registered.
extern const char kSkippedDrivers[];

// Makes GDAL's virtual file systems for networks and archives refuse every name, those inside of files too. After drivers are registered.
void closeOtherFileSystems();

// Throws RasterFailure unless the path is a file, a folder, or in a bucket.
void checkName(const std::string& path);

// Throws RasterFailure for a band without grey values (complex, or with a palette), or with blocks too large to be decoded in one piece.
void checkBand(const std::string& path, GDALDataset& dataset, GDALRasterBand& band);

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_ADMISSION_H_
