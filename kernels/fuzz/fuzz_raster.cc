// SPDX-License-Identifier: Apache-2.0
// A file of any bytes, and any window of it: pixels, or RasterFailure. Files begin as small GeoTIFFs, since most bytes are none.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "gdal_error.h"
#include "input.h"
#include "read.h"
#include "session.h"

namespace {

constexpr int64_t kLargestWindow = 1 << 22;

// A little-endian TIFF of width x height bytes in one strip.
std::vector<uint8_t> smallTiff(int width, int height) {
  std::vector<uint8_t> file = {'I', 'I', 42, 0, 0, 0, 0, 0};
  file.resize(8 + static_cast<size_t>(width) * height, 100);
  const auto directory = static_cast<uint32_t>(file.size());
  std::memcpy(&file[4], &directory, 4);
  const uint32_t entries[][2] = {{256, static_cast<uint32_t>(width)}, {257, static_cast<uint32_t>(height)}, {258, 8}, {259, 1}, {262, 1}, {273, 8}, {277, 1},
                                 {278, static_cast<uint32_t>(height)}, {279, static_cast<uint32_t>(width) * static_cast<uint32_t>(height)}, {339, 1}};
  file.push_back(static_cast<uint8_t>(std::size(entries)));
  file.push_back(0);
  for (const auto& [tag, value] : entries) {
    for (const uint32_t part : {tag, 4U}) file.push_back(part & 255), file.push_back(part >> 8 & 255);
    for (const uint32_t part : {1U, value}) for (int shift = 0; shift < 32; shift += 8) file.push_back(part >> shift & 255);
  }
  file.resize(file.size() + 4);
  return file;
}

// One file per process, removed at its end.
const std::string& path() {
  // Never destroyed, as it is needed when the program ends.
  static const std::string& name = *[] {
    const auto* made = new std::string(std::filesystem::temp_directory_path() / ("altiplano-fuzz-" + std::to_string(getpid()) + ".tif"));
    std::atexit([] { unlink(path().c_str()); });
    return made;
  }();
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace altiplano::raster;
  altiplano::fuzz::Input input(data, size);
  WindowRequest request;
  request.path = path();
  request.band = input.integer(-1, 3);
  request.overview = input.integer(-2, 2);
  const auto side = [&] { return input.flag() ? input.integer(-5, 70) : static_cast<int>(std::clamp(input.finite(3e9), -2147483648.0, 2147483647.0)); };
  if (input.flag()) request.rect = Rect{side(), side(), side(), side()};
  std::vector<uint8_t> file;
  if (input.byte() % 8 != 0) {
    file = smallTiff(input.integer(1, 60), input.integer(1, 60));
    for (int changes = input.integer(0, 12); changes > 0; --changes) {
      // Behind the pixels lies what describes them.
      const size_t back = input.integer(0, 140), at = input.byte() % 4 == 0 ? back % 8 : file.size() - 1 - std::min(back, file.size() - 1);
      file[at] = input.byte();
    }
    if (input.byte() % 8 == 0) file.resize(input.integer(0, static_cast<int>(file.size())));
  } else {
    file.assign(input.rest(), input.rest() + input.left());
  }
  std::FILE* out = std::fopen(request.path.c_str(), "wb");
  const bool isWritten = out != nullptr && (file.empty() || std::fwrite(file.data(), 1, file.size(), out) == file.size());
  if (out == nullptr || std::fclose(out) != 0 || !isWritten) {
    std::perror(request.path.c_str());  // without its file the target would test nothing
    std::exit(1);
  }
  try {
    Session session;
    const Window window = openWindow(session, request);
    if (static_cast<int64_t>(window.pixels()) > kLargestWindow) return 0;
    std::vector<uint8_t> pixels(window.pixels() * GDALGetDataTypeSizeBytes(window.type)), valid(window.pixels());
    readPixels(window, pixels.data());
    readValidity(window, pixels.data(), valid.data());
  } catch (const RasterFailure& failure) {
    altiplano::fuzz::expect(std::string(failure.what()).starts_with(request.path));
  }
  return 0;
}
