// SPDX-License-Identifier: Apache-2.0
#include "proj_database.h"

#include <ogr_spatialref.h>
#include <pthread.h>

#include <mutex>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

// Held while the database is opened, and by every fork. Never destroyed: a thread may fork while the process ends.
std::mutex& opening() {
  static auto* const mutex = new std::mutex();
  return *mutex;
}

void lock() { opening().lock(); }
void unlock() { opening().unlock(); }

}  // namespace

void openProjDatabase() {
  pthread_atfork(&lock, &unlock, &unlock);
  const std::lock_guard<std::mutex> held(opening());
  const ErrorScope quiet;
  OGRSpatialReference().importFromEPSG(4326);
}

}  // namespace altiplano::raster
