// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "poly3_args.h"
#include "search_range.h"

namespace altiplano::binding {
namespace {

// searchRange(rectFromGround, prior, rect, options, low, rowCounts) -> { count, wanted }: fills low, shaped as rect says, and rowCounts.
Napi::Value searchRangeNative(const Napi::CallbackInfo& info) {
  const Napi::Object prior = info[1].As<Napi::Object>(), rect = info[2].As<Napi::Object>();
  const Napi::Object options = info[3].As<Napi::Object>(), grid = objectAt(prior, "grid");
  const int width = intAt(grid, "width"), height = intAt(grid, "height");
  const HeightPrior heights{imageAt<float>(prior, "low", width, height), imageAt<float>(prior, "high", width, height),
                            numberAt(grid, "originE"), numberAt(grid, "originN"), numberAt(grid, "resolution")};
  const int rectWidth = intAt(rect, "width"), rectHeight = intAt(rect, "height");
  const size_t length = static_cast<size_t>(rectWidth) * static_cast<size_t>(rectHeight);
  const SearchCount count =
      searchRange(poly3Of(info[0]), heights, intAt(rect, "u0"), intAt(rect, "v0"),
                  {intAt(options, "maxCount"), numberAt(options, "slackPx"), numberAt(options, "pixelM")},
                  denseView(arrayOf<int16_t>(info[4], length, "low"), rectWidth, rectHeight),
                  info[5].IsNull() ? std::span<uint16_t>() : std::span(arrayOf<uint16_t>(info[5], static_cast<size_t>(rectHeight), "rowCounts"), static_cast<size_t>(rectHeight)));
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("count", count.count);
  result.Set("wanted", count.wanted);
  return result;
}

}  // namespace

void registerSearchRange(Napi::Env env, Napi::Object exports) {
  exports.Set("searchRange", Napi::Function::New(env, searchRangeNative, "searchRange"));
}

}  // namespace altiplano::binding
