// SPDX-License-Identifier: Apache-2.0
// From disparities to the ground and into merged cells, with any disparities, polynomials, priors and grids.
#include "dsm_from_disparity.h"
#include "height_bounds.h"
#include "input.h"
#include "merge_block.h"
#include "product_cells.h"
#include "search_range.h"

namespace {

using altiplano::denseView;
using altiplano::fuzz::Input;

altiplano::Poly3 polynomial(Input& input, double scale) {
  altiplano::Poly3 poly;
  for (int k = 0; k < 3; ++k) {
    poly.off[k] = input.finite(20), poly.outOff[k] = input.finite(scale);
    poly.scale[k] = input.finite(50);
    if (poly.scale[k] == 0) poly.scale[k] = 1;
    for (double& term : poly.coefficients[k]) term = input.finite(scale);
  }
  return poly;
}

struct Prior {
  std::vector<float> low, high;
  altiplano::HeightPrior views;
  explicit Prior(Input& input) {
    const int width = input.integer(0, 12), height = input.integer(0, 12);
    const auto cells = static_cast<size_t>(width) * height;
    low = input.floats(cells, 100), high = input.floats(cells, 200);
    const double resolution = std::abs(input.finite(20));
    views = {denseView<const float>(low.data(), width, height), denseView<const float>(high.data(), width, height), input.finite(50), input.finite(50),
             resolution > 0 ? resolution : 1};
  }
};

void toGround(Input& input) {
  using namespace altiplano;
  const int width = input.integer(1, 60), height = input.integer(1, 40), columns = input.integer(1, 50), rows = input.integer(1, 50);
  const auto pixels = static_cast<size_t>(width) * height, cells = static_cast<size_t>(columns) * rows;
  const std::vector<float> disparity = input.floats(pixels, 40), weight = input.floats(pixels, 1);
  const Prior prior(input);
  const Poly3 groundFromRect = polynomial(input, 40), rectFromGround = polynomial(input, 40);
  const OutlierLimits limits{input.finite(100), input.finite(200), std::abs(input.finite(5)), std::abs(input.finite(30)), std::abs(input.finite(100))};
  const RasterizeOptions options{std::abs(input.finite(1)) + 1e-3, input.integer(0, 16), std::abs(input.finite(3))};
  std::vector<float> heights(cells), weights(cells), spreads(cells);
  std::vector<uint16_t> counts(cells);
  const double resolution = std::abs(input.finite(2));
  BigBuffer memory;
  dsmFromDisparity({denseView(disparity.data(), width, height), denseView(weight.data(), width, height), input.integer(-50, 50), input.integer(-50, 50), groundFromRect},
                   {input.finite(40), input.finite(40), resolution > 0 ? resolution : 1}, prior.views, limits, options, memory,
                   {denseView(heights.data(), columns, rows), denseView(weights.data(), columns, rows), denseView(spreads.data(), columns, rows),
                    denseView(counts.data(), columns, rows)});
  std::vector<int16_t> low(pixels);
  const int most = input.integer(16, 300);
  std::vector<uint16_t> rowCounts(static_cast<size_t>(height));
  const SearchCount count = searchRange(rectFromGround, prior.views, input.integer(-50, 50), input.integer(-50, 50),
                                        {most, std::abs(input.finite(5)), std::abs(input.finite(2))}, denseView(low.data(), width, height), rowCounts);
  fuzz::expect(count.count <= most && count.count >= 0);
  for (const uint16_t ofRow : rowCounts) fuzz::expect(ofRow <= count.count && (ofRow > 0 || count.wanted == 0));
}

void bounds(Input& input) {
  using namespace altiplano;
  const int width = input.integer(1, 60), height = input.integer(1, 60), factor = input.integer(1, 9);
  const auto cells = static_cast<size_t>(width) * height;
  const std::vector<float> heights = input.floats(cells, 300);
  std::vector<float> low(cells), high(cells);
  const BoundsViews out{denseView(low.data(), width, height), denseView(high.data(), width, height)};
  localBounds(denseView(heights.data(), width, height), {input.integer(0, 8), input.integer(0, 12), static_cast<float>(std::abs(input.finite(3))), input.integer(0, 9)}, out);
  const int columns = (width + factor - 1) / factor, rows = (height + factor - 1) / factor;
  std::vector<float> reducedLow(static_cast<size_t>(columns) * rows), reducedHigh(reducedLow.size());
  const BoundsViews reduced{denseView(reducedLow.data(), columns, rows), denseView(reducedHigh.data(), columns, rows)};
  reduceBounds({out.low, out.high}, factor, reduced);
  fillBounds(reduced, static_cast<float>(input.number(100)), static_cast<float>(input.number(100)), input.integer(0, 8));
  widenBounds(out, {reduced.low, reduced.high}, factor, {input.finite(10), input.finite(1), input.finite(100), input.finite(500)});
}

void merge(Input& input) {
  using namespace altiplano;
  const int width = input.integer(1, 70), height = input.integer(1, 40);
  const auto cells = static_cast<size_t>(width) * height;
  const int count = input.integer(1, 4);
  std::vector<std::vector<float>> planes;
  std::vector<CellViews> pairs;
  std::vector<std::vector<double>> feathers;
  std::vector<BlendTile> tiles;
  planes.reserve(64), feathers.reserve(16);
  const auto plane = [&](double scale) { return denseView<const float>(planes.emplace_back(input.floats(cells, scale)).data(), width, height); };
  for (int i = 0; i < count; ++i) {
    pairs.push_back({plane(300), plane(5), plane(3), plane(20)});
    for (const int side : {width, height}) {
      std::vector<double>& feather = feathers.emplace_back(side);
      for (double& value : feather) value = input.byte() / 255.0;
    }
    tiles.push_back({0, 0, i == 0, feathers[2 * i].data(), feathers[2 * i + 1].data(), pairs.back()});
  }
  std::vector<float> fused[4];
  for (auto& one : fused) one.resize(cells);
  const auto view = [&](std::vector<float>& one) { return denseView(one.data(), width, height); };
  fusePairs(pairs, {view(fused[0]), view(fused[1]), view(fused[2]), view(fused[3])});
  for (size_t i = 0; i < cells; ++i) fuzz::expect(std::isfinite(fused[0][i]) && fused[1][i] >= 0 && std::isfinite(fused[1][i]));
  std::vector<uint16_t> layers[4];
  for (auto& one : layers) one.resize(cells);
  const auto layer = [&](int i) { return denseView(layers[i].data(), width, height); };
  std::vector<float> merged(cells);
  blendTiles(tiles, {std::abs(input.finite(5)), std::abs(input.finite(4)) + 1e-3, 1}, {view(merged), layer(0), layer(1), layer(2), layer(3)});
  for (size_t i = 0; i < cells; ++i) fuzz::expect(layers[3][i] == kHasHeight ? std::isfinite(merged[i]) : merged[i] == kNoHeight);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  switch (input.byte() % 3) {
    case 0: toGround(input); break;
    case 1: bounds(input); break;
    default: merge(input);
  }
  return 0;
}
