// SPDX-License-Identifier: Apache-2.0
#include "product_cogs.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "cog_tiles.h"
#include "gdal_error.h"
#include "sample.h"

namespace altiplano::raster {
namespace {

// Cells between the samples of the geoid; in between it is as good as linear.
constexpr int kGeoidSpacing = 128;
// Subtrees a thread gets on average: enough to keep all busy to the end, few enough to wait in memory.
constexpr int kSharesPerThread = 4;

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
    const auto view = [&](auto& layer) {
      return ImageView{layer.data() + static_cast<size_t>(row0) * side + col0, width, height, static_cast<ptrdiff_t>(side)};
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

using Cogs = std::array<std::unique_ptr<CogTiles>, kLayers>;
using Halves = std::vector<std::unique_ptr<Block>>;

// What a thread has of its own.
class Worker {
 public:
  Worker(const ProductSpec& spec, Cogs& cogs, const std::string& spoolPath)
      : spec_(spec), cogs_(cogs), levels_(cogs[0]->levels()), spool_(spoolPath), encoder_(spec.files[0].compress) {
    tally_.binsFrom = spec.binsFrom;
    tally_.binsTo = spec.binsTo;
    tally_.bins.resize(static_cast<size_t>(spec.bins));
    for (size_t i = 0; i < levels_.size(); ++i) blocks_.push_back(std::make_unique<Block>(kCogTile));
    merged_.resize(5 * blocks_[0]->cells());
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
      const std::vector<uint8_t>& bytes = encoder_.encode(block.layer(layer), kTypes[static_cast<size_t>(layer)]);
      const uint64_t from = spool_.append(bytes.data(), bytes.size());
      cogs_[static_cast<size_t>(layer)]->put(level, tileX, tileY, spool_, from, bytes.size());
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
    const size_t cells = static_cast<size_t>(width) * height;
    {
      GDALDataset& merged = session_.open(spec_.merged);
      const ErrorScope errors;
      errors.check(merged.RasterIO(GF_Read, spec_.rect.col0 + col0, spec_.rect.row0 + row0, width, height, merged_.data(), width,
                                   height, GDT_Float32, 5, nullptr, 0, 0, static_cast<GSpacing>(cells * sizeof(float)),
                                   nullptr) == CE_None,
                   spec_.merged, "the merged cells can't be read");
    }
    const auto band = [&](size_t index) { return denseView<const float>(merged_.data() + index * cells, width, height); };
    const MergedViews in{band(0), band(1), band(2), band(3), band(4)};
    if (!spec_.geoid.empty()) sampleGeoid(col0, row0, width, height);
    for (int row = 0; row < height; ++row) {
      const double north = spec_.originN - (row0 + row + 0.5) * spec_.resolution;
      productRow(in, row, spec_.geoid.empty() ? nullptr : undulation_.data() + static_cast<size_t>(row) * width,
                 {areaOf(spec_.roi, north, col0, width, roi_), areaOf(spec_.seen, north, col0, width, seen_)},
                 block.part(0, 0, width, height), tally_);
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
  Cogs& cogs_;
  std::vector<CogTiles::Level> levels_;
  Spool spool_;
  TileEncoder encoder_;
  Session session_;
  ProductTally tally_;
  std::vector<std::unique_ptr<Block>> blocks_;  // one per level on the way down
  std::vector<float> merged_, undulation_;
  std::vector<double> crossings_;
  std::vector<uint8_t> roi_, seen_;
};

// Runs `job(thread)` on so many threads; the first exception is thrown once all have ended.
template <typename Job>
void onThreads(int threads, Job job) {
  std::exception_ptr first;
  std::mutex lock;
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      try {
        job(thread);
      } catch (...) {
        const std::lock_guard<std::mutex> held(lock);
        if (!first) first = std::current_exception();
      }
    });
  }
  for (std::thread& one : running) one.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace

ProductTally writeProductCogs(const ProductSpec& spec) {
  registerDrivers();
  Cogs cogs;
  for (size_t layer = 0; layer < kLayers; ++layer) cogs[layer] = std::make_unique<CogTiles>(spec.paths[layer], spec.files[layer]);
  const std::vector<CogTiles::Level>& levels = cogs[0]->levels();
  const int top = static_cast<int>(levels.size()) - 1;

  // The threads share the subtrees below this level: the coarsest that has enough of them.
  int shared = top;
  const auto tilesOf = [&](int level) { return levels[static_cast<size_t>(level)].tilesAcross * levels[static_cast<size_t>(level)].tilesDown; };
  while (shared > 0 && tilesOf(shared) < kSharesPerThread * spec.threads) --shared;
  const int across = levels[static_cast<size_t>(shared)].tilesAcross;
  Halves halves(static_cast<size_t>(tilesOf(shared)));

  std::vector<std::unique_ptr<Worker>> workers;
  for (int thread = 0; thread < spec.threads; ++thread) {
    workers.push_back(std::make_unique<Worker>(spec, cogs, spec.scratch + "." + std::to_string(thread)));
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

  // A spool is read by one layer at a time; that is copying, and as fast as the disk.
  for (const auto& cog : cogs) cog->finish();
  ProductTally tally = workers[0]->tally();
  for (size_t i = 1; i < workers.size(); ++i) tally.add(workers[i]->tally());
  return tally;
}

}  // namespace altiplano::raster
