// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"
#include "height_summary.h"
#include "merge_block.h"

namespace altiplano::binding {
namespace {

CellViews cellsAt(const Napi::Object& object, int width, int height) {
  return {imageAt<float>(object, "height", width, height), imageAt<float>(object, "weight", width, height),
          imageAt<float>(object, "spread", width, height), imageAt<float>(object, "count", width, height)};
}

// fusePairs(pairs, size { width, height }, fused): pairs and fused are { height, weight, spread, count }.
void fusePairsNative(const Napi::CallbackInfo& info) {
  const Napi::Array list = info[0].As<Napi::Array>();
  const Napi::Object size = info[1].As<Napi::Object>(), fused = info[2].As<Napi::Object>();
  const int width = intAt(size, "width"), height = intAt(size, "height");
  std::vector<CellViews> pairs;
  for (uint32_t i = 0; i < list.Length(); ++i) pairs.push_back(cellsAt(list.Get(i).As<Napi::Object>(), width, height));
  fusePairs(pairs, {imageAt<float>(fused, "height", width, height), imageAt<float>(fused, "weight", width, height),
                    imageAt<float>(fused, "spread", width, height), imageAt<float>(fused, "count", width, height)});
}

// blendTiles(tiles, options, block): fills block.height, confidence, count, spread, reason, shaped as options.width, height say.
void blendTilesNative(const Napi::CallbackInfo& info) {
  const Napi::Array list = info[0].As<Napi::Array>();
  const Napi::Object options = info[1].As<Napi::Object>(), block = info[2].As<Napi::Object>();
  const int width = intAt(options, "width"), height = intAt(options, "height");
  std::vector<BlendTile> tiles;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object tile = list.Get(i).As<Napi::Object>(), rect = objectAt(tile, "rect");
    BlendTile one;
    one.col0 = intAt(rect, "col0");
    one.row0 = intAt(rect, "row0");
    one.isOwner = tile.Get("isOwner").ToBoolean();
    one.featherCol = arrayAt<double>(tile, "featherCol", static_cast<size_t>(width));
    one.featherRow = arrayAt<double>(tile, "featherRow", static_cast<size_t>(height));
    one.cells = cellsAt(tile, intAt(rect, "width"), intAt(rect, "height"));
    tiles.push_back(one);
  }
  blendTiles(tiles, {numberAt(options, "toleranceM"), numberAt(options, "fullWeight"), static_cast<uint16_t>(intAt(options, "emptyReason"))},
             {imageAt<float>(block, "height", width, height), imageAt<uint16_t>(block, "confidence", width, height),
              imageAt<uint16_t>(block, "count", width, height), imageAt<uint16_t>(block, "spread", width, height),
              imageAt<uint16_t>(block, "reason", width, height)});
}

// summarizeHeights(block, size { width, height }, bins { from, perMetre, counts }): { valid, min, max, left, top, right, bottom }.
Napi::Value summarizeHeightsNative(const Napi::CallbackInfo& info) {
  const Napi::Object block = info[0].As<Napi::Object>(), size = info[1].As<Napi::Object>(), bins = info[2].As<Napi::Object>();
  const int width = intAt(size, "width"), height = intAt(size, "height");
  const size_t binCount = bins.Get("counts").As<Napi::TypedArray>().ElementLength();
  const HeightSummary sum = summarizeHeights(imageAt<float>(block, "height", width, height), imageAt<uint16_t>(block, "reason", width, height),
                                             {static_cast<float>(numberAt(bins, "from")), static_cast<float>(numberAt(bins, "perMetre")),
                                              arrayAt<uint32_t>(bins, "counts", binCount), static_cast<int>(binCount)});
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("valid", static_cast<double>(sum.valid));
  out.Set("min", sum.min);
  out.Set("max", sum.max);
  out.Set("left", sum.left);
  out.Set("top", sum.top);
  out.Set("right", sum.right);
  out.Set("bottom", sum.bottom);
  return out;
}

}  // namespace

void registerMergeBlock(Napi::Env env, Napi::Object exports) {
  exports.Set("fusePairs", Napi::Function::New<fusePairsNative>(env, "fusePairs"));
  exports.Set("blendTiles", Napi::Function::New<blendTilesNative>(env, "blendTiles"));
  exports.Set("summarizeHeights", Napi::Function::New<summarizeHeightsNative>(env, "summarizeHeights"));
}

}  // namespace altiplano::binding
