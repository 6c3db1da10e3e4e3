// SPDX-License-Identifier: Apache-2.0
// How GDAL's errors become exceptions that name the file, and how GDAL is set up.
#ifndef ALTIPLANO_RASTER_GDAL_ERROR_H_
#define ALTIPLANO_RASTER_GDAL_ERROR_H_

#include <cpl_error.h>

#include <stdexcept>
#include <string>

namespace altiplano::raster {

// "<path>: <what>: <what GDAL said>". The binding turns it into a JavaScript error with code 'gdal'.
class RasterFailure : public std::runtime_error {
 public:
  RasterFailure(std::string path, const std::string& what)
      : std::runtime_error(path + ": " + what), path_(std::move(path)) {}
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// While it lives, GDAL's errors on this thread are kept here instead of printed.
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;

  bool failed() const { return !first_.empty(); }
  // Throws RasterFailure with the first error GDAL reported in this scope: later ones are its consequences.
  [[noreturn]] void fail(const std::string& path, const std::string& what) const;
  void check(bool ok, const std::string& path, const std::string& what) const {
    if (!ok) fail(path, what);
  }

 private:
  static void CPL_STDCALL handle(CPLErr severity, CPLErrorNum number, const char* message);
  std::string first_;
};

// Sets a GDAL option for this thread only, and puts back the old value.
class ThreadOption {
 public:
  ThreadOption(const char* name, const char* value);
  ~ThreadOption();
  ThreadOption(const ThreadOption&) = delete;
  ThreadOption& operator=(const ThreadOption&) = delete;

 private:
  std::string name_;
  std::string before_;
  bool had_ = false;
};

// Registers the drivers, once per process; any thread may call it at any time.
void registerDrivers();

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_GDAL_ERROR_H_
