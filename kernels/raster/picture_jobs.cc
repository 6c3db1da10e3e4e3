// SPDX-License-Identifier: Apache-2.0
#include "picture_jobs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>

#include "on_threads.h"

namespace altiplano::raster {

Picture reduced(Picture picture, int maxSize) {
  const int factor = (std::max(picture.width, picture.height) + maxSize - 1) / maxSize;
  if (factor <= 1) return picture;
  const auto smaller = [factor](int size) { return (size + factor - 1) / factor; };
  Picture small{smaller(picture.width), smaller(picture.height), {}};
  small.rgba.reserve(static_cast<size_t>(small.width) * small.height * 4);
  for (int y = 0; y < small.height; ++y) {
    const int bottom = std::min((y + 1) * factor, picture.height);
    for (int x = 0; x < small.width; ++x) {
      const int right = std::min((x + 1) * factor, picture.width);
      std::array<uint64_t, 4> sum{};  // of up to 2^32 for 258 x 258 pixels
      for (int row = y * factor; row < bottom; ++row) {
        const uint8_t* from = &picture.rgba[(static_cast<size_t>(row) * picture.width + static_cast<size_t>(x) * factor) * 4];
        for (int col = x * factor; col < right; ++col, from += 4) {
          for (size_t band = 0; band < 3; ++band) sum[band] += static_cast<uint32_t>(from[band] * from[3]);
          sum[3] += from[3];
        }
      }
      const uint64_t weight = std::max<uint64_t>(sum[3], 1), pixels = static_cast<uint64_t>(bottom - y * factor) * static_cast<uint64_t>(right - x * factor);
      for (size_t band = 0; band < 3; ++band) small.rgba.push_back(static_cast<uint8_t>((sum[band] + weight / 2) / weight));
      small.rgba.push_back(static_cast<uint8_t>((sum[3] + pixels / 2) / pixels));
    }
  }
  return small;
}

namespace {

void draw(Session& session, const PictureJob& job) {
  Picture picture = job.isHillshade ? hillshade(session, job.source, job.band, job.maxSize) : quicklook(session, job.source, job.band, job.maxSize);
  // Each from the one before it.
  for (const PictureJob::File& file : job.files) {
    if (file.maxSize > 0) picture = reduced(std::move(picture), file.maxSize);
    (file.isJpeg ? writeJpeg : writePng)(file.path, picture.width, picture.height, picture.rgba.data());
  }
}

}  // namespace

void drawPictures(Session& session, const std::vector<PictureJob>& jobs, int threads) {
  threads = std::min(threads, static_cast<int>(jobs.size()));
  std::atomic<size_t> next = static_cast<size_t>(threads);
  std::vector<std::exception_ptr> failures(jobs.size());
  onThreads(threads, [&](int thread) {
    Session other;
    Session& own = thread == 0 ? session : other;
    for (auto i = static_cast<size_t>(thread); i < jobs.size(); i = next++) {
      try {
        draw(own, jobs[i]);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace altiplano::raster
