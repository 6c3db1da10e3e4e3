// SPDX-License-Identifier: Apache-2.0
#include "gdal_error.h"

#include <cpl_conv.h>
#include <gdal.h>
#include <ogr_srs_api.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <string>

#include "admission.h"
#include "proj_database.h"

namespace altiplano::raster {

ErrorScope::ErrorScope() {
  CPLErrorReset();
  CPLPushErrorHandlerEx(&ErrorScope::handle, this);
}

ErrorScope::~ErrorScope() { CPLPopErrorHandler(); }

void CPL_STDCALL ErrorScope::handle(CPLErr severity, CPLErrorNum, const char* message) {
  auto* scope = static_cast<ErrorScope*>(CPLGetErrorHandlerUserData());
  if (severity < CE_Failure || !scope->first_.empty()) return;
  // One line: some drivers' messages end or break.
  scope->first_ = message;
  while (!scope->first_.empty() && std::isspace(static_cast<unsigned char>(scope->first_.back()))) scope->first_.pop_back();
  std::replace(scope->first_.begin(), scope->first_.end(), '\n', ' ');
}

void ErrorScope::fail(const std::string& path, const std::string& what) const {
  // GDAL often begins with the path itself: once is enough.
  std::string said = first_;
  if (said.starts_with(path + ": ")) said = said.substr(path.size() + 2);
  throw RasterFailure(path, said.empty() ? what : what + ": " + said);
}

ThreadOption::ThreadOption(const char* name, const char* value) : name_(name) {
  if (const char* before = CPLGetThreadLocalConfigOption(name, nullptr)) {
    before_ = before;
    had_ = true;
  }
  CPLSetThreadLocalConfigOption(name, value);
}

ThreadOption::~ThreadOption() {
  CPLSetThreadLocalConfigOption(name_.c_str(), had_ ? before_.c_str() : nullptr);
}

void registerDrivers() {
  static std::once_flag once;
  std::call_once(once, [] {
    // GDAL's own helper threads have no ErrorScope: they must not print either.
    CPLSetErrorHandler(CPLQuietErrorHandler);
    const std::string skipped = CPLGetConfigOption("GDAL_SKIP", "");
    CPLSetConfigOption("GDAL_SKIP", (skipped + " " + kSkippedDrivers).c_str());
    GDALAllRegister();
    closeOtherFileSystems();
    // Code in a VRT is none of an image, and a JPEG that breaks off is an error, not grey.
    CPLSetConfigOption("GDAL_VRT_ENABLE_PYTHON", "NO");
    CPLSetConfigOption("GDAL_ERROR_ON_LIBJPEG_WARNING", "TRUE");
    // Heights and positions must not depend on what a server offers today.
    OSRSetPROJEnableNetwork(FALSE);
    openProjDatabase();
    // The vertical part of a GeoTIFF's CRS is part of what we wrote: report it.
    CPLSetConfigOption("GTIFF_REPORT_COMPD_CS", "YES");
    // The default, 5 % of the machine per process, is too much beside a dozen agents.
    if (CPLGetConfigOption("GDAL_CACHEMAX", nullptr) == nullptr) GDALSetCacheMax64(int64_t{64} << 20);
  });
}

}  // namespace altiplano::raster
