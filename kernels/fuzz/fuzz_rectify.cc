// SPDX-License-Identifier: Apache-2.0
// Windows of every pixel type under any finite polynomial: valid pixels are finite, the others 0.
#include "input.h"
#include "rectify.h"

namespace {

template <typename T>
void run(altiplano::fuzz::Input& input) {
  using namespace altiplano;
  const int width = input.integer(1, 160), height = input.integer(1, 160);
  const auto pixels = static_cast<size_t>(width) * height;
  const std::vector<float> values = input.floats(pixels, 250);
  std::vector<T> data(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    if constexpr (std::is_floating_point_v<T>) data[i] = values[i];
    else data[i] = std::isfinite(values[i]) ? static_cast<T>(std::clamp(values[i], 0.0F, 250.0F)) : T{0};
  }
  const std::vector<uint8_t> mask = input.flag() ? input.mask(pixels) : std::vector<uint8_t>{};
  const SourceWindow<T> window{denseView<const T>(data.data(), width, height),
                               mask.empty() ? ImageView<const uint8_t>{} : denseView<const uint8_t>(mask.data(), width, height),
                               input.integer(-1000, 1000), input.integer(-1000, 1000)};
  ImageFromRect map;
  const bool isTame = input.byte() % 4 != 0;
  const double scale = isTame ? 2 : 1e6;
  for (double* term : {&map.uOff, &map.vOff}) *term = input.finite(isTame ? 50 : 1e6);
  for (double* term : {&map.uScale, &map.vScale}) *term = input.finite(scale);
  if (map.uScale == 0 || map.vScale == 0) map.uScale = map.vScale = 1;
  for (int i = 0; i < 10; ++i) map.col[i] = input.finite(i == 0 ? 100 : scale), map.row[i] = input.finite(i == 0 ? 100 : scale);
  const int outWidth = input.integer(1, 150), outHeight = input.integer(1, 150);
  std::vector<int32_t> extents(2 * static_cast<size_t>(outHeight));
  for (int v = 0; v < outHeight; ++v) {
    extents[2 * v] = input.integer(0, outWidth);
    extents[2 * v + 1] = input.integer(extents[2 * v], outWidth);
  }
  std::vector<float> out(static_cast<size_t>(outWidth) * outHeight);
  std::vector<uint8_t> valid(out.size());
  rectify<T>(window, map, input.integer(-500, 500), input.integer(-500, 500), input.flag() ? extents.data() : nullptr,
             denseView(out.data(), outWidth, outHeight), denseView(valid.data(), outWidth, outHeight));
  for (size_t i = 0; i < out.size(); ++i) fuzz::expect(valid[i] <= 1 && (valid[i] == 1 ? !std::isnan(out[i]) : out[i] == 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  altiplano::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0: run<uint8_t>(input); break;
    case 1: run<uint16_t>(input); break;
    case 2: run<int16_t>(input); break;
    default: run<float>(input);
  }
  return 0;
}
