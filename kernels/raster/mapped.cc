// SPDX-License-Identifier: Apache-2.0
#include "mapped.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gdal_error.h"

namespace altiplano::raster {

MappedFile::MappedFile(const std::string& path) {
  const auto failed = [&path] { return RasterFailure(path, std::string("can't be mapped: ") + std::strerror(errno)); };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw failed();
  struct stat status {};
  void* mapped = MAP_FAILED;
  if (fstat(file, &status) == 0) {
    size_ = static_cast<size_t>(status.st_size);
    mapped = mmap(nullptr, std::max<size_t>(1, size_), PROT_READ, MAP_SHARED, file, 0);
  }
  const int error = errno;
  ::close(file);
  errno = error;
  if (mapped == MAP_FAILED) throw failed();
  data_ = static_cast<const uint8_t*>(mapped);
}

MappedFile::~MappedFile() { munmap(const_cast<uint8_t*>(data_), std::max<size_t>(1, size_)); }

void MappedFile::letGo() const { madvise(const_cast<uint8_t*>(data_), size_, MADV_DONTNEED); }

void dropCached(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
}

std::optional<PixelLayout> pixelLayout(Session& session, const std::string& path) {
  if (path.rfind("/vsi", 0) == 0 || isInBucket(path)) return std::nullopt;
  GDALDataset& dataset = session.open(path);
  const auto structure = [&dataset](const char* name) -> std::string {
    const char* value = dataset.GetMetadataItem(name, "IMAGE_STRUCTURE");
    return value == nullptr ? "" : value;
  };
  const int bands = dataset.GetRasterCount();
  if (std::string(dataset.GetDriverName()) != "GTiff" || bands == 0 || !structure("COMPRESSION").empty()) return std::nullopt;
  if (bands > 1 && structure("INTERLEAVE") != "BAND") return std::nullopt;

  PixelLayout layout;
  GDALRasterBand& first = *dataset.GetRasterBand(1);
  layout.type = first.GetRasterDataType();
  layout.width = dataset.GetRasterXSize();
  layout.height = dataset.GetRasterYSize();
  layout.bands = bands;
  first.GetBlockSize(&layout.blockWidth, &layout.blockHeight);
  layout.blocksAcross = (layout.width + layout.blockWidth - 1) / layout.blockWidth;
  layout.blocksDown = (layout.height + layout.blockHeight - 1) / layout.blockHeight;
  const auto pixelBytes = static_cast<uint64_t>(GDALGetDataTypeSizeBytes(layout.type));
  struct stat status {};
  const uint64_t fileBytes = stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  for (int band = 1; band <= bands; ++band) {
    // Fewer bits than the type has would be packed.
    if (dataset.GetRasterBand(band)->GetMetadataItem("NBITS", "IMAGE_STRUCTURE") != nullptr) return std::nullopt;
    for (int y = 0; y < layout.blocksDown; ++y) {
      // Blocks of rows end with the raster, others go on beyond it.
      const int rows = layout.blocksAcross > 1 ? layout.blockHeight : std::min(layout.blockHeight, layout.height - y * layout.blockHeight);
      const uint64_t bytes = pixelBytes * static_cast<uint64_t>(layout.blockWidth) * static_cast<uint64_t>(rows);
      for (int x = 0; x < layout.blocksAcross; ++x) {
        const std::string item = "BLOCK_OFFSET_" + std::to_string(x) + "_" + std::to_string(y);
        const char* offset = dataset.GetRasterBand(band)->GetMetadataItem(item.c_str(), "TIFF");
        const uint64_t at = offset == nullptr ? 0 : std::strtoull(offset, nullptr, 10);
        if (at != 0 && (at % pixelBytes != 0 || bytes > fileBytes || at > fileBytes - bytes)) return std::nullopt;
        layout.offsets.push_back(at);
      }
    }
  }
  return layout;
}

std::vector<uint64_t> wholeBands(const PixelLayout& layout) {
  if (layout.blocksAcross != 1 || layout.blockWidth != layout.width) return {};
  std::vector<uint64_t> starts;
  for (int band = 0; band < layout.bands; ++band) {
    starts.push_back(layout.offsetOf(band, 0, 0));
    for (int y = 0; y < layout.blocksDown; ++y) {
      const uint64_t at = layout.offsetOf(band, 0, y);
      if (at == 0 || at != starts.back() + static_cast<uint64_t>(y) * layout.blockBytes()) return {};
    }
  }
  return starts;
}

}  // namespace altiplano::raster
