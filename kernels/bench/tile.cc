// SPDX-License-Identifier: Apache-2.0
#include "tile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "census.h"
#include "median.h"
#include "speckle.h"

namespace altiplano::bench {
namespace {

template <typename T>
Image<T> filled(int width, int height, T value) {
  Image<T> image(width, height);
  for (int y = 0; y < height; ++y) std::fill_n(image.view().row(y), width, value);
  return image;
}

template <typename T, typename From>
Image<T> copied(ImageView<const From> from) {
  Image<T> image(from.width, from.height);
  for (int y = 0; y < from.height; ++y) {
    std::transform(from.row(y), from.row(y) + from.width, image.view().row(y), [](From value) { return static_cast<T>(value); });
  }
  return image;
}

template <typename T>
void copyInto(ImageView<const T> from, ImageView<T> to) {
  for (int y = 0; y < from.height; ++y) {
    std::memcpy(to.row(y), from.row(y), sizeof(T) * static_cast<size_t>(from.width));
  }
}

// What a window has beyond the tile on each side: more than the corners of a tile turned by 3 degrees, and the kernel, need.
int windowMargin(int width, int height) { return std::max(width, height) / 16 + 8; }

// What the sensor saw of the tile and around it: the image goes on, here as its reflection.
template <typename T>
Image<T> windowOf(ImageView<const float> tile) {
  const int margin = windowMargin(tile.width, tile.height);
  const auto reflected = [](int i, int length) { return i < 0 ? std::min(-i, length - 1) : i >= length ? std::max(0, 2 * (length - 1) - i) : i; };
  Image<T> window(tile.width + 2 * margin, tile.height + 2 * margin);
  for (int y = 0; y < window.height(); ++y) {
    const float* const from = tile.row(reflected(y - margin, tile.height));
    for (int x = 0; x < window.width(); ++x) window.view().row(y)[x] = static_cast<T>(from[reflected(x - margin, tile.width)]);
  }
  return window;
}

// A turn by 93 degrees about the middle, with a curvature of a fraction of a pixel as real rectifications have.
ImageFromRect turned(int width, int height) {
  ImageFromRect map;
  map.uOff = (width - 1) / 2.0, map.vOff = (height - 1) / 2.0;
  map.uScale = std::max(1.0, width / 2.0), map.vScale = std::max(1.0, height / 2.0);
  const double angle = 93 * 3.14159265358979 / 180, cos = std::cos(angle), sin = std::sin(angle);
  const int margin = windowMargin(width, height);
  map.col[0] = map.uOff + margin, map.col[1] = cos * map.uScale, map.col[2] = -sin * map.vScale, map.col[3] = 0.3, map.col[6] = 0.02;
  map.row[0] = map.vOff + margin, map.row[1] = sin * map.uScale, map.row[2] = cos * map.vScale, map.row[5] = 0.2, map.row[9] = 0.02;
  return map;
}

// Terms 1, x, y, z are coefficients 0 to 3; a little of degree 2 and 3 keeps the polynomial honest.
Poly3 ground(int width, int height, int low, int count) {
  Poly3 poly{};
  const double half[3] = {std::max(1.0, width / 2.0), std::max(1.0, height / 2.0), count / 2.0};
  const double middle[3] = {width / 2.0, height / 2.0, low + count / 2.0};
  for (int k = 0; k < 3; ++k) poly.off[k] = middle[k], poly.scale[k] = half[k];
  const double metresPerPixel[3] = {0.5, -0.5, 1};
  for (int k = 0; k < 3; ++k) {
    poly.outOff[k] = metresPerPixel[k] * middle[k];
    poly.coefficients[k][k + 1] = metresPerPixel[k] * half[k];
    for (int term = 4; term < 20; ++term) poly.coefficients[k][term] = 1e-3 / term;
  }
  return poly;
}

Poly3 inverse(const Poly3& ground) {
  Poly3 poly{};
  for (int k = 0; k < 3; ++k) {
    poly.off[k] = ground.outOff[k], poly.outOff[k] = ground.off[k];
    poly.scale[k] = std::abs(ground.coefficients[k][k + 1]);
    poly.coefficients[k][k + 1] = std::copysign(ground.scale[k], ground.coefficients[k][k + 1]);
  }
  return poly;
}

constexpr int kPriorCellPx = 4;  // a coarse level's cell covers so many pixels

// Bounds as a coarse level gives them: the heights of 4 x 4 pixels, and some metres of slack.
void boundHeights(ImageView<const float> disparity, Image<float>& low, Image<float>& high) {
  constexpr float kSlackM = 3;
  const int width = (disparity.width + kPriorCellPx - 1) / kPriorCellPx, height = (disparity.height + kPriorCellPx - 1) / kPriorCellPx;
  low = filled(width, height, NAN), high = filled(width, height, NAN);
  for (int v = 0; v < disparity.height; ++v) {
    for (int u = 0; u < disparity.width; ++u) {
      const float d = disparity.at(u, v);
      if (std::isnan(d)) continue;
      float &l = low.view().at(u / kPriorCellPx, v / kPriorCellPx), &h = high.view().at(u / kPriorCellPx, v / kPriorCellPx);
      l = std::isnan(l) ? d - kSlackM : std::min(l, d - kSlackM);
      h = std::isnan(h) ? d + kSlackM : std::max(h, d + kSlackM);
    }
  }
}

class Digest {
 public:
  template <typename T>
  Digest& add(ImageView<T> image) {
    for (int y = 0; y < image.height; ++y) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(image.row(y));
      for (size_t i = 0; i < sizeof(T) * static_cast<size_t>(image.width); ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001b3;
    }
    return *this;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a, 64 bits
};

uint64_t digestOf(DisparityImages& map) {
  return Digest().add(map.disparity.view()).add(map.validity.view()).add(map.confidence.view()).value();
}

template <typename Census>
void censusBoth(Tile& t, Census census) {
  census(t.ref.view(), t.refValid.view(), t.refCensus.view(), t.refCensusValidity.view());
  census(t.sec.view(), t.secValid.view(), t.secCensus.view(), t.secCensusValidity.view());
}

size_t sumsOfRow(const Tile& t) { return static_cast<size_t>(t.width) * static_cast<size_t>(sgmStride(t.count)); }
const uint16_t* sumsAt(const Tile& t, int v) { return reinterpret_cast<const uint16_t*>(t.sums[static_cast<size_t>(v)].data()); }

void runSgm(Tile& t) {
  t.usesTwin = false;
  sgm(t.sgmInput(), {}, t.memory.volume, [](int, const uint16_t*) {});
}

uint64_t digestOfSums(Tile& t) {
  Digest digest;
  const auto add = [&](int, const uint16_t* sums) { digest.add(denseView(sums, static_cast<int>(sumsOfRow(t)), 1)); };
  if (t.usesTwin) {
    sgmReference(t.sgmInput(), {}, add);
  } else {
    sgm(t.sgmInput(), {}, t.memory.volume, add);
  }
  return digest.value();
}

void runWinner(Tile& t) {
  DisparitySelector selector(t.sgmInput(), {}, t.work.views());
  for (int v = t.height - 1; v >= 0; --v) selector.select(v, sumsAt(t, v));
}

void runWinnerTwin(Tile& t) {
  for (int v = 0; v < t.height; ++v) selectDisparityReference(t.sgmInput(), v, sumsAt(t, v), {}, t.work.views());
}

// Matching up to the left-right check, as matchPair begins: winners are searched in a row's sums as soon as they are there.
void runDense(Tile& t) {
  censusBoth(t, censusTransform);
  DisparitySelector selector(t.sgmInput(), {}, t.work.views());
  sgm(t.sgmInput(), {}, t.memory.volume, [&selector](int v, const uint16_t* sums) { selector.select(v, sums); });
}

void runMatchPair(Tile& t) {
  matchPair(t.refImage(), t.secImage(), {t.low.view(), t.count}, t.secOffset, {}, t.memory, t.work.views());
}

void runRectify(Tile& t) {
  const auto from = [&]<typename T>(const Image<T>& window) {
    rectify<T>({window.view(), {}}, t.imageFromRect, 0, 0, nullptr, t.rectified.view(), t.rectifiedValid.view());
  };
  if (t.window8.width() > 0) {
    from(t.window8);
  } else {
    from(t.window16);
  }
}

void runRectifyTwin(Tile& t) {
  // The window's values are whole numbers, so it doesn't matter that the twin reads floats.
  const Image<float> window = t.window8.width() > 0 ? copied<float>(std::as_const(t.window8).view()) : copied<float>(std::as_const(t.window16).view());
  rectifyReference({window.view(), {}}, t.imageFromRect, 0, 0, nullptr, t.rectified.view(), t.rectifiedValid.view());
}

DsmViews dsm(Tile& t) { return {t.dsmHeight.view(), t.dsmWeight.view(), t.dsmSpread.view(), t.dsmCount.view()}; }

uint64_t digestOfDsm(Tile& t) {
  return Digest().add(t.dsmHeight.view()).add(t.dsmWeight.view()).add(t.dsmSpread.view()).add(t.dsmCount.view()).value();
}

void runRasterize(Tile& t) {
  const PointArrays points{t.pointEast.data(), t.pointNorth.data(), t.pointUp.data(), t.pointWeight.data(), t.pointUp.size()};
  rasterizeDsm(points, {0, 0, 0.5}, {}, dsm(t));
}

constexpr OutlierLimits kOutlierLimits{-1000, 1000, 3, 30, 1000};

DisparityBlock block(Tile& t) { return {t.filtered.disparity.view(), t.filtered.confidence.view(), 0, 0, t.groundFromRect}; }

PointViews keptPoints(Tile& t) { return {t.keptEast.view(), t.keptNorth.view(), t.keptUp.view()}; }

void keepPoints(Tile& t) {
  copyInto<float>(t.east.view(), t.keptEast.view());
  copyInto<float>(t.north.view(), t.keptNorth.view());
  copyInto<float>(t.up.view(), t.keptUp.view());
}

BoundsViews bounds(Tile& t) { return {t.boundsLow.view(), t.boundsHigh.view()}; }

template <typename T>
ImageView<const T> part(Image<T>& image, int col0, int row0, int width, int height) {
  const ImageView<T> all = image.view();
  return {all.row(row0) + col0, width, height, all.stride};
}

// The tile and its four neighbours, which overlap it by an eighth of its side; where two overlap their feathers add up to 1.
void layTilesOut(Tile& t) {
  const int side = t.width, halo = std::max(1, side / 8);
  for (int i = 0; i < side; ++i) {
    const double own = std::min({1.0, (i + 0.5 + halo) / (2 * halo), (side - i - 0.5 + halo) / (2 * halo)});
    t.featherOwn.push_back(own);
    t.featherBeside.push_back(1 - own);
  }
  t.countCells = copied<float>(ImageView<const uint16_t>(t.dsmCount.view()));
  const auto add = [&](int col0, int row0, int width, int height, bool isOwner) {
    BlendTile tile;
    tile.col0 = col0, tile.row0 = row0, tile.isOwner = isOwner;
    tile.featherCol = width < side ? t.featherBeside.data() : t.featherOwn.data();
    tile.featherRow = height < t.height ? t.featherBeside.data() : t.featherOwn.data();
    tile.cells = {part(t.dsmHeight, col0, row0, width, height), part(t.dsmWeight, col0, row0, width, height),
                  part(t.dsmSpread, col0, row0, width, height), part(t.countCells, col0, row0, width, height)};
    t.blended.push_back(tile);
  };
  add(0, 0, side, t.height, true);
  add(0, 0, halo, t.height, false);
  add(side - halo, 0, halo, t.height, false);
  add(0, 0, side, halo, false);
  add(0, t.height - halo, side, halo, false);
}

void runMerge(Tile& t) {
  blendTiles(t.blended, {}, {t.mergedHeight.view(), t.mergedConfidence.view(), t.mergedCount.view(), t.mergedSpread.view(), t.mergedReason.view()});
}

std::vector<Stage> makeStages() {
  const auto nothing = [](Tile&) {};
  return {
      {"census", nothing, [](Tile& t) { censusBoth(t, censusTransform); }, [](Tile& t) { censusBoth(t, censusTransformReference); },
       [](Tile& t) {
         return Digest().add(t.refCensus.view()).add(t.refCensusValidity.view()).add(t.secCensus.view()).add(t.secCensusValidity.view()).value();
       }},
      {"sgm", nothing, runSgm, [](Tile& t) { t.usesTwin = true; }, digestOfSums},
      {"winner", nothing, runWinner, runWinnerTwin, [](Tile& t) { return digestOf(t.work); }},
      {"dense", nothing, runDense, nullptr, [](Tile& t) { return digestOf(t.work); }},
      {"edges", [](Tile& t) { t.work.copyFrom(t.won); }, [](Tile& t) { sharpenEdges(t.images(), {}, t.work.views(), t.memory.volume); }, nullptr,
       [](Tile& t) { return digestOf(t.work); }},
      {"refine", [](Tile& t) { t.work.copyFrom(t.sharpened); }, [](Tile& t) { refineDisparity(t.images(), {}, t.work.disparity.view(), t.memory.volume); },
       [](Tile& t) { refineDisparityReference(t.images(), {}, t.work.disparity.view()); }, [](Tile& t) { return digestOf(t.work); }},
      {"matchPair", nothing, runMatchPair, nullptr, [](Tile& t) { return digestOf(t.work); }},
      {"speckle", [](Tile& t) { t.work.copyFrom(t.refined); }, [](Tile& t) { removeSpeckles(t.work.views(), 50, 1); },
       [](Tile& t) { removeSpecklesReference(t.work.views(), 50, 1); }, [](Tile& t) { return digestOf(t.work); }},
      {"median", nothing, [](Tile& t) { medianFilter(t.refined.disparity.view(), 3, t.work.disparity.view()); },
       [](Tile& t) { medianFilterReference(t.refined.disparity.view(), 3, t.work.disparity.view()); }, [](Tile& t) { return Digest().add(t.work.disparity.view()).value(); }},
      {"rectify", nothing, runRectify, runRectifyTwin,
       [](Tile& t) { return Digest().add(t.rectified.view()).add(t.rectifiedValid.view()).value(); }},
      {"searchRange", nothing, [](Tile& t) { searchRange(t.rectFromGround, t.prior(), 0, 0, {256, 2, 0.5}, t.range.view(), t.rowCounts); }, nullptr,
       [](Tile& t) { return Digest().add(t.range.view()).value(); }},
      {"triangulate", nothing,
       [](Tile& t) { triangulate(t.filtered.disparity.view(), 0, 0, t.groundFromRect, 0, 0, {t.east.view(), t.north.view(), t.up.view()}); },
       [](Tile& t) { triangulateReference(t.filtered.disparity.view(), 0, 0, t.groundFromRect, 0, 0, {t.east.view(), t.north.view(), t.up.view()}); },
       [](Tile& t) { return Digest().add(t.east.view()).add(t.north.view()).add(t.up.view()).value(); }},
      {"outliers", keepPoints, [](Tile& t) { dropOutliers(keptPoints(t), 0, 0, t.prior(), kOutlierLimits); },
       [](Tile& t) { dropOutliersReference(keptPoints(t), 0, 0, t.prior(), kOutlierLimits); },
       [](Tile& t) { return Digest().add(t.keptEast.view()).add(t.keptNorth.view()).add(t.keptUp.view()).value(); }},
      {"rasterize", nothing, runRasterize, nullptr, digestOfDsm},
      {"dsmFromDisparity", nothing, [](Tile& t) { dsmFromDisparity(block(t), {0, 0, 0.5}, t.prior(), kOutlierLimits, {}, t.memory.volume, dsm(t)); },
       [](Tile& t) { dsmFromDisparityReference(block(t), {0, 0, 0.5}, t.prior(), kOutlierLimits, {}, dsm(t)); }, digestOfDsm},
      {"merge", nothing, runMerge, nullptr,
       [](Tile& t) {
         return Digest().add(t.mergedHeight.view()).add(t.mergedConfidence.view()).add(t.mergedCount.view()).add(t.mergedSpread.view())
             .add(t.mergedReason.view()).value();
       }},
      {"height bounds", nothing, [](Tile& t) { localBounds(t.dsmHeight.view(), {}, bounds(t)); },
       [](Tile& t) { localBoundsReference(t.dsmHeight.view(), {}, bounds(t)); },
       [](Tile& t) { return Digest().add(t.boundsLow.view()).add(t.boundsHigh.view()).value(); }},
  };
}

}  // namespace

void DisparityImages::copyFrom(DisparityImages& other) {
  copyInto<float>(other.disparity.view(), disparity.view());
  copyInto<uint16_t>(other.validity.view(), validity.view());
  copyInto<float>(other.confidence.view(), confidence.view());
}

HeightPrior Tile::prior() const { return {priorLow.view(), priorHigh.view(), 0, 0, 0.5 * kPriorCellPx}; }

Tile::Tile(const PairInput& in)
    : width(in.ref.width), height(in.ref.height), secWidth(in.sec.width), count(in.count), secOffset(in.secOffset),
      ref(copied<float>(in.ref)), sec(copied<float>(in.sec)),
      refValid(filled<uint8_t>(width, height, 1)), secValid(filled<uint8_t>(secWidth, height, 1)), low(copied<int16_t>(in.low)),
      refCensus(width, kCensusBytes * height), secCensus(secWidth, kCensusBytes * height), refCensusValidity(width, height), secCensusValidity(secWidth, height),
      sums(static_cast<size_t>(height)),
      won(width, height), sharpened(width, height), refined(width, height), filtered(width, height), work(width, height),
      imageFromRect(turned(width, height)), rectified(width, height), rectifiedValid(width, height),
      groundFromRect(ground(width, height, in.low.at(0, 0), count)), rectFromGround(inverse(groundFromRect)), range(width, height), rowCounts(static_cast<size_t>(height)),
      east(width, height), north(width, height), up(width, height),
      keptEast(width, height), keptNorth(width, height), keptUp(width, height),
      dsmHeight(width, height), dsmWeight(width, height), dsmSpread(width, height), dsmCount(width, height),
      boundsLow(width, height), boundsHigh(width, height),
      mergedHeight(width, height), mergedConfidence(width, height), mergedCount(width, height), mergedSpread(width, height),
      mergedReason(width, height) {
  if (in.is8Bit) window8 = windowOf<uint8_t>(in.ref);
  else window16 = windowOf<uint16_t>(in.ref);

  censusBoth(*this, censusTransform);
  DisparitySelector selector(sgmInput(), {}, won.views());
  sgm(sgmInput(), {}, memory.volume, [&](int v, const uint16_t* row) {
    BigBuffer& kept = sums[static_cast<size_t>(v)];
    kept = BigBuffer(sizeof(uint16_t) * sumsOfRow(*this));
    std::memcpy(kept.data(), row, kept.size());
    selector.select(v, row);
  });
  sharpened.copyFrom(won);
  sharpenEdges(images(), {}, sharpened.views(), memory.volume);
  refined.copyFrom(sharpened);
  refineDisparity(images(), {}, refined.disparity.view(), memory.volume);
  work.copyFrom(refined);
  removeSpeckles(work.views(), 50, 1);
  filtered.copyFrom(work);
  medianFilter(work.disparity.view(), 3, filtered.disparity.view());
  boundHeights(filtered.disparity.view(), priorLow, priorHigh);
  triangulate(filtered.disparity.view(), 0, 0, groundFromRect, 0, 0, {east.view(), north.view(), up.view()});
  const auto flat = [&](Image<float>& image) {
    std::vector<float> all;
    all.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
    for (int v = 0; v < height; ++v) all.insert(all.end(), image.view().row(v), image.view().row(v) + width);
    return all;
  };
  pointEast = flat(east), pointNorth = flat(north), pointUp = flat(up), pointWeight = flat(filtered.confidence);
  runRasterize(*this);
  layTilesOut(*this);
}

const std::vector<Stage>& stages() {
  static const std::vector<Stage> all = makeStages();
  return all;
}

}  // namespace altiplano::bench
