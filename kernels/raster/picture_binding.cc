// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "napi_raster.h"
#include "picture_jobs.h"

namespace altiplano::raster {
namespace {

// drawPictures(jobs, threads): NativePictureJob of native.ts.
Napi::Value drawPicturesOf(const Napi::CallbackInfo& info, Session& session) {
  const Napi::Array list = info[0].As<Napi::Array>();
  std::vector<PictureJob> jobs;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object job = list.Get(i).As<Napi::Object>();
    jobs.push_back({textOf(job.Get("source")), job.Get("isHillshade").ToBoolean(), binding::intAt(job, "band"), binding::intAt(job, "maxSize"), {}});
    const Napi::Array files = job.Get("files").As<Napi::Array>();
    for (uint32_t k = 0; k < files.Length(); ++k) {
      const Napi::Object file = files.Get(k).As<Napi::Object>();
      jobs.back().files.push_back({textOf(file.Get("path")), file.Get("isJpeg").ToBoolean(), binding::intAt(file, "maxSize")});
    }
  }
  drawPictures(session, jobs, intOf(info[1]));
  return info.Env().Undefined();
}

// writePicture(path, isJpeg, width, height, rgba)
Napi::Value writePictureFile(const Napi::CallbackInfo& info, Session&) {
  const int width = intOf(info[2]);
  const int height = intOf(info[3]);
  GDALDataType type = GDT_Unknown;
  const void* rgba = pixelsOf(info[4], static_cast<size_t>(width) * height * 4, &type);
  if (type != GDT_Byte) throw Napi::TypeError::New(info.Env(), "Expected a Uint8Array for rgba");
  const auto* pixels = static_cast<const uint8_t*>(rgba);
  info[1].ToBoolean() ? writeJpeg(textOf(info[0]), width, height, pixels) : writePng(textOf(info[0]), width, height, pixels);
  return info.Env().Undefined();
}

}  // namespace

void registerPictures(Napi::Env env, Napi::Object exports, Session* session) {
  exportFunction<drawPicturesOf>(env, exports, "drawPictures", session);
  exportFunction<writePictureFile>(env, exports, "writePicture", session);
}

}  // namespace altiplano::raster
