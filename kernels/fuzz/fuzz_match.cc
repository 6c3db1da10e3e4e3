// SPDX-License-Identifier: Apache-2.0
// Blocks with any pixels, masks, search ranges and sizes that lib/match.ts lets through: where validity is 0 there is a disparity, else NaN.
#include "input.h"
#include "match.h"
#include "median.h"
#include "speckle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace altiplano;
  static MatchMemory memory;  // as a thread keeps it from tile to tile
  fuzz::Input input(data, size);
  const int width = input.integer(1, 90), secWidth = input.integer(1, 120), height = input.integer(1, 40);
  const int count = input.integer(1, 70), offset = input.integer(-60, 60);
  const auto pixels = static_cast<size_t>(width) * height, secPixels = static_cast<size_t>(secWidth) * height;
  const std::vector<float> refData = input.floats(pixels, 1000), secData = input.floats(secPixels, 1000);
  const std::vector<uint8_t> refValid = input.mask(pixels), secValid = input.mask(secPixels);
  std::vector<int16_t> low(pixels);
  const int base = input.flag() ? input.integer(-80, 80) : input.integer(-32768, 32767);
  for (int16_t& value : low) value = static_cast<int16_t>(std::clamp(base + input.byte() % 5, -32768, 32767));
  std::vector<uint16_t> rowCounts(input.flag() ? static_cast<size_t>(height) : 0);
  for (uint16_t& ofRow : rowCounts) ofRow = static_cast<uint16_t>(input.integer(1, count));
  MatchOptions options;
  options.sgm.p1 = input.integer(1, 63);
  options.sgm.p2 = input.integer(options.sgm.p1, 63);
  options.disparity.leftRightPx = static_cast<float>(input.finite(3));
  options.edges.specklePx = input.integer(0, 300);
  options.refine.iterations = input.integer(0, 3);
  std::vector<float> disparity(pixels), confidence(pixels), filtered(pixels);
  std::vector<uint16_t> validity(pixels);
  const DisparityViews out{denseView(disparity.data(), width, height), denseView(validity.data(), width, height),
                           denseView(confidence.data(), width, height)};
  matchPair({denseView(refData.data(), width, height), denseView(refValid.data(), width, height)},
            {denseView(secData.data(), secWidth, height), denseView(secValid.data(), secWidth, height)},
            {denseView<const int16_t>(low.data(), width, height), count, rowCounts}, offset, options, memory, out);
  for (size_t i = 0; i < pixels; ++i) {
    fuzz::expect(std::isfinite(disparity[i]) == (validity[i] == 0));
    fuzz::expect(confidence[i] >= 0 && confidence[i] <= 1);
  }
  removeSpeckles(out, input.integer(0, 100), static_cast<float>(std::abs(input.finite(2))));
  medianFilter(out.disparity, 1 + 2 * input.integer(0, 3), denseView(filtered.data(), width, height));
  for (size_t i = 0; i < pixels; ++i) fuzz::expect(std::isfinite(filtered[i]) == (validity[i] == 0));
  return 0;
}
