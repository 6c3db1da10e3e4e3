// SPDX-License-Identifier: Apache-2.0
#include "product_cogs.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>

#include "cog_tiles.h"
#include "gdal_error.h"
#include "mapped.h"
#include "on_threads.h"
#include "sample.h"

namespace altiplano::raster {
namespace {

// Cells between the samples of the geoid; in between it is as good as linear.
constexpr int kGeoidSpacing = 128;
// Subtrees a thread gets on average: enough to keep all busy to the end, few enough to wait in memory.
constexpr int kSharesPerThread = 8;

// Tiles after which a thread gives back the pages it has read: 12 MB of merged cells lie around four tiles.
constexpr int kTilesKept = 8;

constexpr std::array<GDALDataType, kLayers> kTypes = {GDT_Float32, GDT_Float32, GDT_UInt16, GDT_Float32, GDT_Byte};

// The five layers on a square of cells, dense rows.
struct Block {
  explicit Block(int side) : side(side), dsm(cells()), confidence(cells()), spread(cells()), count(cells()), validity(cells()) { clear(); }
  size_t cells() const { return static_cast<size_t>(side) * side; }
  void clear() {
    for (auto* layer : {&dsm, &confidence, &spread}) std::fill(layer->begin(), layer->end(), kNoHeight);
    std::fill(count.begin(), count.end(), uint16_t{0});
    std::fill(validity.begin(), validity.end(), kBeyond);
  }
  ProductViews part(int col0, int row0, int width, int height) {
    const auto view = [&]<typename T>(std::vector<T>& layer) {
      return ImageView<T>{layer.data() + static_cast<size_t>(row0) * side + col0, width, height, static_cast<ptrdiff_t>(side)};
    };
    return {view(dsm), view(confidence), view(spread), view(count), view(validity)};
  }
  const void* layer(int index) const {
    const std::array<const void*, kLayers> all = {dsm.data(), confidence.data(), count.data(), spread.data(), validity.data()};
    return all[static_cast<size_t>(index)];
  }

  int side;
  std::vector<float> dsm, confidence, spread;
  std::vector<uint16_t> count;
  std::vector<uint8_t> validity;
};

// A merged raster, block by block where it lies in its file.
class MergedRaster {
 public:
  MergedRaster(Session& session, const std::string& path, GDALDataType type, int bands) : file_(path) {
    std::optional<PixelLayout> layout = pixelLayout(session, path);
    if (!layout || layout->type != type || layout->bands != bands) {
      throw RasterFailure(path, "a merged DSM is an uncompressed GeoTIFF on this machine, of " + std::to_string(bands) + " bands of " + GDALGetDataTypeName(type));
    }
    layout_ = *std::move(layout);
  }
  const PixelLayout& layout() const { return layout_; }
  // The pixels of a row from a column to the end of its block; null where nothing was written.
  template <typename T>
  const T* at(int band, int col, int row) const {
    const uint64_t offset = layout_.offsetOf(band, col / layout_.blockWidth, row / layout_.blockHeight);
    if (offset == 0) return nullptr;
    const auto within = static_cast<size_t>(row % layout_.blockHeight) * layout_.blockWidth + col % layout_.blockWidth;
    return reinterpret_cast<const T*>(file_.data() + offset) + within;
  }
  void letGo() const { file_.letGo(); }

 private:
  MappedFile file_;
  PixelLayout layout_;
};

// Who owns the cells of a row: by bands of rows, so that few are asked.
class Owners {
 public:
  explicit Owners(const std::vector<OwnedCells>& owned) {
    for (const OwnedCells& one : owned) {
      const Rect& rect = one.rect;
      if (rect.width <= 0 || rect.height <= 0 || rect.row0 < 0) continue;
      const auto first = static_cast<size_t>(rect.row0 / kCogTile), last = static_cast<size_t>((rect.row0 + rect.height - 1) / kCogTile);
      if (bands_.size() <= last) bands_.resize(last + 1);
      for (size_t band = first; band <= last; ++band) bands_[band].push_back(one);
    }
  }
  // The reasons that cells of a row have if they are empty.
  void emptyReasons(int row, int col0, int width, uint16_t* reasons) const {
    std::fill_n(reasons, width, kNothing);
    const auto band = static_cast<size_t>(row / kCogTile);
    if (band >= bands_.size()) return;
    for (const auto& [rect, reason] : bands_[band]) {
      if (row < rect.row0 || row >= rect.row0 + rect.height) continue;
      const int from = std::max(rect.col0 - col0, 0), to = std::min(rect.col0 + rect.width - col0, width);
      if (from < to) std::fill(reasons + from, reasons + to, reason);
    }
  }

 private:
  std::vector<std::vector<OwnedCells>> bands_;
};

using Cogs = std::array<std::unique_ptr<CogTiles>, kLayers>;
using Halves = std::vector<std::unique_ptr<Block>>;

// What a thread has of its own.
class Worker {
 public:
  Worker(const ProductSpec& spec, const Owners& owners, Cogs& cogs)
      : spec_(spec), owners_(owners), cogs_(cogs), levels_(cogs[0]->levels()), encoder_(spec.files[0].compress),
        heights_(session_, spec.merged, GDT_Float32, 1), cells_(session_, spec.cells, GDT_UInt16, 3) {
    const PixelLayout &layout = heights_.layout(), &other = cells_.layout();
    if (layout.blockWidth != other.blockWidth || layout.blockHeight != other.blockHeight || layout.width != other.width || layout.height != other.height) {
      throw RasterFailure(spec.cells, "isn't of the size or blocks of " + spec.merged);
    }
    const Rect& rect = spec.rect;
    if (rect.col0 < 0 || rect.row0 < 0 || rect.width > layout.width - rect.col0 || rect.height > layout.height - rect.row0) {
      throw RasterFailure(spec.merged, "the part to publish leaves the raster");
    }
    tally_.binsFrom = spec.binsFrom;
    tally_.binsTo = spec.binsTo;
    tally_.bins.resize(static_cast<size_t>(spec.bins));
    for (size_t i = 0; i < levels_.size(); ++i) blocks_.push_back(std::make_unique<Block>(kCogTile));
    zeros_.resize(static_cast<size_t>(layout.blockWidth));
    noHeights_.resize(zeros_.size(), kNoHeight);
    reasons_.resize(kCogTile);
  }

  const ProductTally& tally() const { return tally_; }

  // Makes the tile of a level and all below it, halved into `half` (a quarter of the parent's tile). At `doneLevel` and
  // below nothing is made anew: the halves are at hand.
  void build(int level, int tileX, int tileY, const ProductViews* half, int doneLevel, Halves* done) {
    if (level == doneLevel) {
      auto& made = (*done)[static_cast<size_t>(tileY) * levels_[static_cast<size_t>(level)].tilesAcross + tileX];
      if (half != nullptr) copy(made->part(0, 0, kCogTile / 2, kCogTile / 2), *half);
      return;
    }
    Block& block = *blocks_[static_cast<size_t>(level)];
    const CogTiles::Level& own = levels_[static_cast<size_t>(level)];
    if ((tileX + 1) * kCogTile > own.width || (tileY + 1) * kCogTile > own.height) block.clear();
    if (level == 0) {
      readCells(tileX, tileY, block);
    } else {
      const CogTiles::Level& below = levels_[static_cast<size_t>(level) - 1];
      for (int y = 0; y < 2; ++y) {
        for (int x = 0; x < 2; ++x) {
          if (2 * tileX + x >= below.tilesAcross || 2 * tileY + y >= below.tilesDown) continue;
          const ProductViews quarter = block.part(x * kCogTile / 2, y * kCogTile / 2, kCogTile / 2, kCogTile / 2);
          build(level - 1, 2 * tileX + x, 2 * tileY + y, &quarter, doneLevel, done);
        }
      }
    }
    for (int layer = 0; layer < kLayers; ++layer) {
      cogs_[static_cast<size_t>(layer)]->put(level, tileX, tileY, encoder_.encode(block.layer(layer), kTypes[static_cast<size_t>(layer)]));
    }
    if (half != nullptr) halveProduct(block.part(0, 0, kCogTile, kCogTile), *half);
  }

 private:
  static void copy(const ProductViews& from, const ProductViews& to) {
    const auto rows = [](auto in, auto out) {
      for (int y = 0; y < out.height; ++y) std::copy_n(in.row(y), out.width, out.row(y));
    };
    rows(from.dsm, to.dsm);
    rows(from.confidence, to.confidence);
    rows(from.spread, to.spread);
    rows(from.count, to.count);
    rows(from.validity, to.validity);
  }

  void readCells(int tileX, int tileY, Block& block) {
    const int col0 = tileX * kCogTile, row0 = tileY * kCogTile;
    const int width = std::min(kCogTile, spec_.rect.width - col0), height = std::min(kCogTile, spec_.rect.height - row0);
    if (!spec_.geoid.empty()) sampleGeoid(col0, row0, width, height);
    for (int row = 0; row < height; ++row) {
      const double north = spec_.originN - (row0 + row + 0.5) * spec_.resolution;
      const RowAreas areas{areaOf(spec_.roi, north, col0, width, roi_), areaOf(spec_.seen, north, col0, width, seen_)};
      publishRow(col0, row0 + row, width, row, spec_.geoid.empty() ? nullptr : undulation_.data() + static_cast<size_t>(row) * width, areas, block);
    }
    if (++tilesRead_ % kTilesKept == 0) {
      heights_.letGo();
      cells_.letGo();
    }
  }

  // Columns and rows count from the part to publish, `to` is the block's row.
  void publishRow(int col0, int row, int width, int to, const float* undulation, RowAreas areas, Block& block) {
    const int mergedRow = spec_.rect.row0 + row, blockWidth = heights_.layout().blockWidth;
    const size_t out = static_cast<size_t>(to) * block.side;
    owners_.emptyReasons(mergedRow, spec_.rect.col0 + col0, width, reasons_.data());
    for (int i = 0, cells = 0; i < width; i += cells) {
      const int col = spec_.rect.col0 + col0 + i;
      cells = std::min(width - i, blockWidth - col % blockWidth);
      const float* height = heights_.at<float>(0, col, mergedRow);
      if (height == nullptr) height = noHeights_.data();
      uint16_t* reason = reasons_.data() + i;
      for (int cell = 0; cell < cells; ++cell) reason[cell] = height[cell] == kNoHeight ? reason[cell] : uint16_t{kHasHeight};
      const auto layer = [&](int band) {
        const auto* values = cells_.at<uint16_t>(band, col, mergedRow);
        return values == nullptr ? zeros_.data() : values;
      };
      const auto from = [i](auto* values) { return values == nullptr ? nullptr : values + i; };
      productCells({height, layer(0), layer(1), layer(2), reason}, cells, from(undulation),
                   {from(areas.roi), from(areas.seen)},
                   {block.dsm.data() + out + i, block.confidence.data() + out + i, block.spread.data() + out + i, block.count.data() + out + i,
                    block.validity.data() + out + i},
                   tally_);
    }
  }

  const uint8_t* areaOf(const std::vector<std::vector<double>>& rings, double north, int col0, int width, std::vector<uint8_t>& inside) {
    if (rings.empty()) return nullptr;
    inside.assign(static_cast<size_t>(width), 0);
    for (const std::vector<double>& ring : rings) {
      addInside(ring, north, spec_.originE, spec_.resolution, col0, width, crossings_, inside.data());
    }
    return inside.data();
  }

  // N at the cells' centres: sampled on a lattice fixed to the grid (so that blocks agree), bilinear in between.
  void sampleGeoid(int col0, int row0, int width, int height) {
    const int firstX = col0 / kGeoidSpacing, firstY = row0 / kGeoidSpacing;
    const int across = (col0 + width - 1) / kGeoidSpacing + 2 - firstX, down = (row0 + height - 1) / kGeoidSpacing + 2 - firstY;
    std::vector<double> x, y;
    for (int j = 0; j < down; ++j) {
      for (int i = 0; i < across; ++i) {
        x.push_back(spec_.originE + ((firstX + i) * kGeoidSpacing + 0.5) * spec_.resolution);
        y.push_back(spec_.originN - ((firstY + j) * kGeoidSpacing + 0.5) * spec_.resolution);
      }
    }
    std::vector<double> nodes(x.size());
    const double e = x[0], n = y[0];
    sampleBilinear(session_, spec_.geoid, 1, spec_.crs, x, y, nodes.data());
    if (std::any_of(nodes.begin(), nodes.end(), [](double value) { return std::isnan(value); })) {
      throw RasterFailure(spec_.geoid, "the geoid doesn't cover the scene around E " + std::to_string(e) + ", N " + std::to_string(n));
    }
    undulation_.resize(static_cast<size_t>(width) * height);
    for (int row = 0; row < height; ++row) {
      const int j = (row0 + row) / kGeoidSpacing - firstY;
      const double fy = static_cast<double>((row0 + row) % kGeoidSpacing) / kGeoidSpacing;
      for (int col = 0; col < width; ++col) {
        const double* node = &nodes[static_cast<size_t>(j) * across + (col0 + col) / kGeoidSpacing - firstX];
        const double fx = static_cast<double>((col0 + col) % kGeoidSpacing) / kGeoidSpacing;
        const double top = (1 - fx) * node[0] + fx * node[1], bottom = (1 - fx) * node[across] + fx * node[across + 1];
        undulation_[static_cast<size_t>(row) * width + col] = static_cast<float>((1 - fy) * top + fy * bottom);
      }
    }
  }

  const ProductSpec& spec_;
  const Owners& owners_;
  Cogs& cogs_;
  std::vector<CogTiles::Level> levels_;
  TileEncoder encoder_;
  Session session_;
  ProductTally tally_;
  std::vector<std::unique_ptr<Block>> blocks_;  // one per level on the way down
  MergedRaster heights_, cells_;
  std::vector<float> noHeights_, undulation_;
  std::vector<uint16_t> zeros_;    // as noHeights_ as long as a block is wide
  std::vector<uint16_t> reasons_;  // of a row of a tile
  int tilesRead_ = 0;
  std::vector<double> crossings_;
  std::vector<uint8_t> roi_, seen_;
};

}  // namespace

ProductTally writeProductCogs(const ProductSpec& spec) {
  registerDrivers();
  Cogs cogs;
  for (size_t layer = 0; layer < kLayers; ++layer) {
    cogs[layer] = std::make_unique<CogTiles>(spec.paths[layer], spec.files[layer], spec.scratch + "." + std::to_string(layer));
  }
  const std::vector<CogTiles::Level>& levels = cogs[0]->levels();
  const int top = static_cast<int>(levels.size()) - 1;

  // The threads share the subtrees below this level: the coarsest that has enough of them.
  int shared = top;
  const auto tilesOf = [&](int level) { return levels[static_cast<size_t>(level)].tilesAcross * levels[static_cast<size_t>(level)].tilesDown; };
  while (shared > 0 && tilesOf(shared) < kSharesPerThread * spec.threads) --shared;
  const int across = levels[static_cast<size_t>(shared)].tilesAcross;
  Halves halves(static_cast<size_t>(tilesOf(shared)));

  const Owners owners(spec.owned);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int thread = 0; thread < spec.threads; ++thread) {
    workers.push_back(std::make_unique<Worker>(spec, owners, cogs));
  }
  std::atomic<int> next = 0;
  std::atomic<bool> failed = false;
  onThreads(spec.threads, [&](int thread) {
    try {
      for (int tile = next++; tile < tilesOf(shared) && !failed; tile = next++) {
        auto& half = halves[static_cast<size_t>(tile)];
        half = std::make_unique<Block>(kCogTile / 2);
        const ProductViews views = half->part(0, 0, kCogTile / 2, kCogTile / 2);
        workers[static_cast<size_t>(thread)]->build(shared, tile % across, tile / across, &views, -1, nullptr);
      }
    } catch (...) {
      failed = true;
      throw;
    }
  });
  if (shared < top) workers[0]->build(top, 0, 0, nullptr, shared, &halves);

  // The largest first, so that the threads end at about the same time.
  std::sort(cogs.begin(), cogs.end(), [](const auto& a, const auto& b) { return a->size() > b->size(); });
  next = 0;
  onThreads(std::min(spec.threads, kLayers), [&](int) {
    for (int layer = next++; layer < kLayers; layer = next++) cogs[static_cast<size_t>(layer)]->finish();
  });
  ProductTally tally = workers[0]->tally();
  for (size_t i = 1; i < workers.size(); ++i) tally.add(workers[i]->tally());
  return tally;
}

}  // namespace altiplano::raster
