// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <algorithm>

#include "napi_raster.h"
#include "shade.h"

namespace altiplano::raster {
namespace {

Napi::Value packed(Napi::Env env, const Picture& picture) {
  auto rgba = Napi::Uint8Array::New(env, picture.rgba.size());
  std::copy(picture.rgba.begin(), picture.rgba.end(), rgba.Data());
  Napi::Object out = Napi::Object::New(env);
  out.Set("width", picture.width);
  out.Set("height", picture.height);
  out.Set("rgba", rgba);
  return out;
}

// hillshade(path, band, maxSize): { width, height, rgba }
Napi::Value hillshadeOf(const Napi::CallbackInfo& info, Session& session) {
  return packed(info.Env(), hillshade(session, textOf(info[0]), intOf(info[1]), intOf(info[2])));
}

// quicklook(path, band, maxSize): { width, height, rgba }
Napi::Value quicklookOf(const Napi::CallbackInfo& info, Session& session) {
  return packed(info.Env(), quicklook(session, textOf(info[0]), intOf(info[1]), intOf(info[2])));
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
  exportFunction<hillshadeOf>(env, exports, "hillshade", session);
  exportFunction<quicklookOf>(env, exports, "quicklook", session);
  exportFunction<writePictureFile>(env, exports, "writePicture", session);
}

}  // namespace altiplano::raster
