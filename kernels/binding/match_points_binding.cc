// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "corners.h"
#include "match_points.h"

namespace altiplano::binding {
namespace {

RectBlock blockOf(const Napi::Object& image) {
  const int width = intAt(image, "width"), height = intAt(image, "height");
  return {imageAt<float>(image, "data", width, height), imageAt<uint8_t>(image, "valid", width, height),
          intAt(image, "u0"), intAt(image, "v0")};
}

// detectCorners(image, options): 2 N numbers u, v.
Napi::Value detectCornersNative(const Napi::CallbackInfo& info) {
  const RectBlock block = blockOf(info[0].As<Napi::Object>());
  const Napi::Object options = info[1].As<Napi::Object>();
  const std::vector<Corner> corners =
      detectCorners(block.data, block.valid,
                    {intAt(options, "maxPoints"), numberAt(options, "minDistancePx"), intAt(options, "border")});
  Napi::Float64Array out = newArray<double>(info.Env(), corners.size() * 2);
  double* to = out.Data();
  for (const Corner& corner : corners) {
    *to++ = corner.x + block.u0;
    *to++ = corner.y + block.v0;
  }
  return out;
}

// matchPoints({ ref, sec, seeds, … }): 6 M numbers seed, u1, v1, u2, v2, score.
Napi::Value matchPointsNative(const Napi::CallbackInfo& info) {
  const Napi::Object input = info[0].As<Napi::Object>();
  const size_t count = input.Get("seeds").As<Napi::TypedArray>().ElementLength() / 4;
  const double* numbers = arrayAt<double>(input, "seeds", count * 4);
  std::vector<Seed> seeds(count);
  for (size_t i = 0; i < count; ++i) seeds[i] = {numbers[4 * i], numbers[4 * i + 1], numbers[4 * i + 2], numbers[4 * i + 3]};
  const MatchPointsOptions options{intAt(input, "radiusU"), intAt(input, "radiusV"), intAt(input, "patchRadius"),
                                   numberAt(input, "minScore"), numberAt(input, "minDistinct")};
  const std::vector<PointMatch> matches =
      matchPoints(blockOf(objectAt(input, "ref")), blockOf(objectAt(input, "sec")), seeds, options);
  Napi::Float64Array out = newArray<double>(info.Env(), matches.size() * 6);
  double* to = out.Data();
  for (const PointMatch& match : matches) {
    *to++ = match.seed;
    *to++ = match.u1;
    *to++ = match.v1;
    *to++ = match.u2;
    *to++ = match.v2;
    *to++ = match.score;
  }
  return out;
}

}  // namespace

void registerMatchPoints(Napi::Env env, Napi::Object exports) {
  exports.Set("detectCorners", Napi::Function::New<detectCornersNative>(env, "detectCorners"));
  exports.Set("matchPoints", Napi::Function::New<matchPointsNative>(env, "matchPoints"));
}

}  // namespace altiplano::binding
