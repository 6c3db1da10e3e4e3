// SPDX-License-Identifier: Apache-2.0
#include "edges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "match.h"
#include "targets_for_test.h"
#include "validity.h"

namespace altiplano {
namespace {

constexpr int kWidth = 100, kHeight = 80, kMargin = 24;
constexpr int kLeft = 30, kRight = 66, kTop = 20, kBottom = 58;  // the roof's first and last pixels, inclusive
constexpr float kGround = 0, kRoof = 9;

bool isRoof(int u, int v) { return u >= kLeft && u <= kRight && v >= kTop && v <= kBottom; }

// Distance to the nearest pixel of the other surface, in steps to 8 neighbours.
int distanceToEdge(int u, int v) {
  if (isRoof(u, v)) return 1 + std::min({u - kLeft, kRight - u, v - kTop, kBottom - v});
  return std::max({kLeft - u, u - kRight, kTop - v, v - kBottom});
}

// A flat roof above ground; the secondary sees less of the ground on its right side:
//   reference  g g g R R R R o o g g     o: ground that the roof hides in the secondary
//   secondary  g g g n n R R R R g g     n: ground that the roof hides in the reference
struct Scene {
  Image<float> ref{kWidth, kHeight}, sec{kWidth + 2 * kMargin, kHeight}, disparity{kWidth, kHeight}, confidence{kWidth, kHeight};
  Image<uint8_t> refValid{kWidth, kHeight}, secValid{kWidth + 2 * kMargin, kHeight};
  Image<uint16_t> validity{kWidth, kHeight};

  RefineInput input() const { return {ref.view(), refValid.view(), sec.view(), secValid.view(), kMargin}; }
  DisparityViews map() { return {disparity.view(), validity.view(), confidence.view()}; }
  void sharpen() {
    BigBuffer memory;
    sharpenEdges(input(), {}, map(), memory);
  }
  void set(int u, int v, float d) {
    disparity.view().at(u, v) = d;
    validity.view().at(u, v) = std::isnan(d) ? kLeftRight : kValid;
    confidence.view().at(u, v) = std::isnan(d) ? 0.0f : 0.5f;
  }
};

float truthAt(int u, int v) { return isRoof(u, v) ? kRoof : kGround; }
bool isHidden(int u, int v) { return !isRoof(u, v) && isRoof(u - static_cast<int>(kRoof), v); }

// secondary = gain * (what the reference shows) + bias, each with noise of its own. The map starts as the truth, hidden
// ground rejected.
Scene makeScene(float gain = 1, float bias = 0, uint32_t groundContrast = 100) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  Image<float> ground(kWidth + 2 * kMargin, kHeight), roof(kWidth + 2 * kMargin, kHeight);
  for (int v = 0; v < kHeight; ++v) {
    for (int x = 0; x < ground.width(); ++x) {
      // Blocks of 3 x 3 pixels, so that neighbours look alike.
      const auto block = static_cast<uint32_t>((v / 3) * 100 + x / 3);
      std::mt19937 at(block);
      at.discard(3);
      ground.view().at(x, v) = 300 + static_cast<float>(at() % groundContrast);
      roof.view().at(x, v) = 380 + static_cast<float>(at() % 100);
    }
  }
  Scene s;
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      s.ref.view().at(u, v) = (isRoof(u, v) ? roof : ground).view().at(u + kMargin, v) + 4 * normal(random);
      s.refValid.view().at(u, v) = 1;
      s.set(u, v, isHidden(u, v) ? std::numeric_limits<float>::quiet_NaN() : truthAt(u, v));
    }
    for (int x = 0; x < s.sec.width(); ++x) {
      const int u = x - kMargin, roofU = u - static_cast<int>(kRoof);
      const float grey = isRoof(roofU, v) ? roof.view().at(roofU + kMargin, v) : ground.view().at(x, v);
      s.sec.view().at(x, v) = gain * (grey + 4 * normal(random)) + bias;
      s.secValid.view().at(x, v) = 1;
    }
  }
  return s;
}

struct Score {
  int pixels = 0, wrong = 0, missing = 0;
  double bad() const { return 100.0 * (wrong + missing) / pixels; }
};

// Of the pixels both images see within 4 px of the roof's edge.
Score scoreOf(Scene& s) {
  Score score;
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      if (distanceToEdge(u, v) > 4 || isHidden(u, v)) continue;
      const float d = s.disparity.view().at(u, v);
      ++score.pixels;
      score.missing += std::isnan(d);
      score.wrong += std::fabs(d - truthAt(u, v)) > 1;
    }
  }
  return score;
}

TEST(SharpenEdges, MovesAFattenedRoofsEdgesBack) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      if (distanceToEdge(u, v) <= 2) s.set(u, v, kRoof);
    }
  }
  const double before = scoreOf(s).bad();
  s.sharpen();
  EXPECT_GT(before, 20);
  EXPECT_LT(scoreOf(s).bad(), 3);
}

TEST(SharpenEdges, MovesAShrunkRoofsEdgesBack) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      if (distanceToEdge(u, v) <= 2) s.set(u, v, kGround);
    }
  }
  const double before = scoreOf(s).bad();
  s.sharpen();
  EXPECT_GT(before, 20);
  EXPECT_LT(scoreOf(s).bad(), 5);
}

TEST(SharpenEdges, FillsWhatTheChecksRejectedButNotWhatTheRoofHides) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      if (distanceToEdge(u, v) <= 1) s.set(u, v, std::numeric_limits<float>::quiet_NaN());
    }
  }
  s.sharpen();
  const Score score = scoreOf(s);
  EXPECT_LT(100.0 * score.wrong / score.pixels, 1);
  EXPECT_LT(100.0 * score.missing / score.pixels, 15);
  int hidden = 0, filled = 0;
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      const bool has = !std::isnan(s.disparity.view().at(u, v));
      EXPECT_EQ(has, s.validity.view().at(u, v) == kValid);
      EXPECT_EQ(has, s.confidence.view().at(u, v) > 0);
      hidden += isHidden(u, v);
      filled += isHidden(u, v) && has;
    }
  }
  EXPECT_LT(filled, hidden / 20);
}

TEST(SharpenEdges, DoesNotMindGainAndBiasBetweenTheImages) {
  Scene s = makeScene(1.4f, -120);
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      if (distanceToEdge(u, v) <= 2) s.set(u, v, kRoof);
    }
  }
  s.sharpen();
  EXPECT_LT(scoreOf(s).bad(), 3);
}

TEST(SharpenEdges, ImprovesWhatMatchPairFindsAtEdges) {
  Image<int16_t> low(kWidth, kHeight);
  for (int v = 0; v < kHeight; ++v) std::fill_n(low.view().row(v), kWidth, int16_t{-8});
  // Smooth ground, so that windows follow the roof's texture.
  const auto wrongWith = [&](const EdgeOptions& edges) {
    Scene s = makeScene(1, 0, 12);
    MatchOptions options;
    options.edges = edges;
    MatchMemory memory;
    matchPair({s.ref.view(), s.refValid.view()}, {s.sec.view(), s.secValid.view()}, {low.view(), 32}, kMargin, options, memory, s.map());
    const Score score = scoreOf(s);
    return 100.0 * score.wrong / score.pixels;
  };
  EdgeOptions off;
  off.rounds = off.fillRounds = 0;
  const double before = wrongWith(off), after = wrongWith({});
  EXPECT_GT(before, 4);
  EXPECT_LT(after, before / 2);
}

// Whatever the images say, nothing changes: returns the number of pixels that did.
int changesOf(Scene& s) {
  Image<float> before(kWidth, kHeight);
  for (int v = 0; v < kHeight; ++v) std::copy_n(s.disparity.view().row(v), kWidth, before.view().row(v));
  s.sharpen();
  int changes = 0;
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) {
      const float a = before.view().at(u, v), b = s.disparity.view().at(u, v);
      changes += !(a == b) && !(std::isnan(a) && std::isnan(b));
    }
  }
  return changes;
}

TEST(SharpenEdges, LeavesASlopeAloneHoweverSteep) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) s.set(u, v, 0.9f * static_cast<float>(v) - 20);
  }
  EXPECT_EQ(changesOf(s), 0);
}

TEST(SharpenEdges, LeavesMostOfTheTruthAlone) {
  Scene s = makeScene();
  s.sharpen();
  EXPECT_LT(scoreOf(s).bad(), 3);
}

TEST(SharpenEdges, RejectsASpeckThatItDidNotResolveInsteadOfLettingItGrow) {
  Scene s = makeScene();
  for (int v = 5; v < 9; ++v) {
    for (int u = 5; u < 9; ++u) s.set(u, v, 30);
  }
  s.sharpen();
  for (int v = 0; v < 15; ++v) {
    for (int u = 0; u < 15; ++u) EXPECT_FALSE(s.disparity.view().at(u, v) > 1) << u << ' ' << v;
  }
}

TEST(SharpenEdges, FillsNothingOutsideTheDataOrTheRange) {
  for (const uint16_t why : {kNoDataReference, kOutsideSecondary, kBorder, kRangeEdge}) {
    Scene s = makeScene();
    s.set(10, 10, std::numeric_limits<float>::quiet_NaN());
    s.validity.view().at(10, 10) = why;
    s.sharpen();
    EXPECT_TRUE(std::isnan(s.disparity.view().at(10, 10))) << why;
    EXPECT_EQ(s.validity.view().at(10, 10), why);
  }
}

TEST(SharpenEdges, LeavesAMapWithoutDisparitiesAlone) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    for (int u = 0; u < kWidth; ++u) s.set(u, v, std::numeric_limits<float>::quiet_NaN());
  }
  EXPECT_EQ(changesOf(s), 0);
}

TEST(SharpenEdges, LeavesConstantImagesAlone) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) {
    std::fill_n(s.ref.view().row(v), kWidth, 100.0f);
    std::fill_n(s.sec.view().row(v), s.sec.width(), 100.0f);
  }
  EXPECT_EQ(changesOf(s), 0);
}

TEST(SharpenEdges, LeavesImagesWithoutDataAlone) {
  Scene s = makeScene();
  for (int v = 0; v < kHeight; ++v) std::fill_n(s.secValid.view().row(v), s.sec.width(), uint8_t{0});
  EXPECT_EQ(changesOf(s), 0);
}

TEST(SharpenEdges, TakesASinglePixel) {
  Image<float> grey(1, 1), disparity(1, 1), confidence(1, 1);
  Image<uint8_t> valid(1, 1);
  Image<uint16_t> validity(1, 1);
  valid.view().at(0, 0) = 1;
  EdgeOptions options;
  options.specklePx = 0;
  BigBuffer memory;
  sharpenEdges({grey.view(), valid.view(), grey.view(), valid.view(), 0}, options, {disparity.view(), validity.view(), confidence.view()}, memory);
  EXPECT_EQ(disparity.view().at(0, 0), 0);
}

constexpr float kStripes[] = {100, 140, 170, 120};

// Patches of disparities: each on one of some levels, slanted, with noise, blunders and holes of several reasons.
struct Patches {
  int columns, rows, levels;
  float levelPx, slant, noise;
  float shiftPx;  // 0, 1 or 2 of these on top of a patch's level
  int fewest, fewestToFill;
  int secCut;      // columns that the secondary lacks on both sides
  bool isStriped;  // the images repeat every 4 pixels, so that several disparities fit equally well
};
constexpr Patches kPatches[] = {
    {5, 4, 5, 0.4f, 0.1f, 0.4f, 0, 6, 8, 0, false},   // surfaces that touch
    {5, 4, 5, 2.5f, 0.1f, 0.4f, 0, 6, 8, 0, false},   // surfaces apart
    {2, 1, 12, 2.2f, 0, 0.4f, 0, 2, 2, 30, false},    // more of them than are considered; many lie outside the secondary
    {3, 3, 5, 4, 0, 0, 0.9f, 3, 3, 30, true},         // surfaces that fit equally well
};

TEST(SharpenEdges, EqualsItsTwinOnEveryTargetAndOddSizes) {
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{{1, 1}, {5, 3}, {17, 9}, {40, 33}, {100, 80}}) {
    for (const Patches& patches : kPatches) {
      SCOPED_TRACE(&patches - kPatches);
      std::mt19937 random(9);
      Scene scene = makeScene();
      Image<float> start(width, height);
      Image<uint16_t> validity(width, height);
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          std::mt19937 patch(static_cast<uint32_t>((v / patches.rows) * 100 + u / patches.columns));
          patch.discard(2);
          const auto level = static_cast<float>(patch() % static_cast<uint32_t>(patches.levels)), shift = static_cast<float>(patch() % 3);
          const float noise = patches.noise * static_cast<float>(random() % 100) / 100;
          start.view().at(u, v) = patches.levelPx * level + patches.shiftPx * shift + patches.slant * static_cast<float>(u % 7) + noise;
          const uint32_t draw = random() % 100;
          if (draw == 0) start.view().at(u, v) += 8;
          constexpr uint16_t kReasons[] = {kLeftRight, kAmbiguous, kBorder, kSpeckle};
          if (draw > 85) validity.view().at(u, v) = kReasons[draw % 4];
          if (draw > 85) start.view().at(u, v) = std::numeric_limits<float>::quiet_NaN();
          scene.refValid.view().at(u, v) = random() % 50 != 0;
          if (patches.isStriped) scene.ref.view().at(u, v) = kStripes[u % 4];
        }
        for (int x = 0; x < scene.sec.width(); ++x) {
          if (!patches.isStriped) scene.secValid.view().at(x, v) = random() % 50 != 0;
          if (patches.isStriped) scene.sec.view().at(x, v) = kStripes[(x - kMargin) % 4 + (x < kMargin ? 4 : 0)];
        }
      }
      const ImageView<const float> ref{scene.ref.view().data, width, height, scene.ref.view().stride};
      const ImageView<const uint8_t> refValid{scene.refValid.view().data, width, height, scene.refValid.view().stride};
      const int cut = patches.secCut, secWidth = std::max(1, width + 2 * kMargin - 2 * cut);
      const ImageView<const float> sec{scene.sec.view().data + cut, secWidth, height, scene.sec.view().stride};
      const ImageView<const uint8_t> secValid{scene.secValid.view().data + cut, secWidth, height, scene.secValid.view().stride};
      const RefineInput input{ref, refValid, sec, secValid, kMargin - cut};
      struct Map {
        Image<float> disparity, confidence;
        Image<uint16_t> validity;
        DisparityViews views() { return {disparity.view(), validity.view(), confidence.view()}; }
      };
      const auto mapOf = [&](auto sharpen) {
        Map map{Image<float>(width, height), Image<float>(width, height), Image<uint16_t>(width, height)};
        for (int v = 0; v < height; ++v) {
          std::copy_n(start.view().row(v), width, map.disparity.view().row(v));
          std::copy_n(validity.view().row(v), width, map.validity.view().row(v));
        }
        EdgeOptions options;
        options.specklePx = 12;
        options.fewest = patches.fewest;
        options.fewestToFill = patches.fewestToFill;
        sharpen(input, options, map.views());
        return map;
      };
      const Map expected = mapOf(sharpenEdgesReference);
      BigBuffer memory(edgesBytes(width, height, sec.width));
      const auto sharpenAfterOthers = [&](const RefineInput& in, const EdgeOptions& options, const DisparityViews& map) {
        std::memset(memory.data(), 0xff, memory.size());  // NaN, and marked
        sharpenEdges(in, options, map, memory);
      };
      int changes = 0;
      for (int v = 0; v < height; ++v) {
        for (int u = 0; u < width; ++u) {
          const float e = expected.disparity.view().at(u, v);
          changes += !std::isnan(e) && e != start.view().at(u, v);
        }
      }
      if (width == 100) {
        EXPECT_GT(changes, 100);
      }
      onEveryTarget([&] {
        const Map got = mapOf(sharpenAfterOthers);
        for (int v = 0; v < height; ++v) {
          for (int u = 0; u < width; ++u) {
            const float e = expected.disparity.view().at(u, v), g = got.disparity.view().at(u, v);
            ASSERT_TRUE(e == g || (std::isnan(e) && std::isnan(g)))
                << width << 'x' << height << " at " << u << ' ' << v << ": " << e << " " << g;
            ASSERT_EQ(got.validity.view().at(u, v), expected.validity.view().at(u, v));
            ASSERT_EQ(got.confidence.view().at(u, v), expected.confidence.view().at(u, v));
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace altiplano
