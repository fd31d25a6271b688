#include "infer/level_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/detectors/detector.h"
#include "model/detectors/network.h"

namespace hardface::infer {
namespace {

constexpr TileRules kRules{/*multiple=*/16, /*overlap=*/48, /*bytes_per_pixel=*/100};

TEST(PlanLevelTest, TilesCoverTheLevelOnceAndFit) {
  for (const auto& [height, width] : {std::pair(512, 768), std::pair(16, 2000), std::pair(400, 416)}) {
    const int64_t whole = int64_t{100} * height * width;
    for (const int64_t limit : {whole / 2, whole / 3, whole / 6}) {
      const auto plan = PlanLevel(kRules, height, width, /*flip=*/true, limit);
      ASSERT_TRUE(plan.ok()) << plan.status();
      EXPECT_FALSE(plan->whole());
      EXPECT_LE(kRules.BytesOf(*plan), limit);
      const auto check = [&](const std::vector<TileSpan>& spans, int size, int tile) {
        int next = 0;
        for (const TileSpan& span : spans) {
          EXPECT_EQ(span.core_begin, next);
          next = span.core_end;
          EXPECT_EQ(span.begin % kRules.multiple, 0);
          EXPECT_LE(0, span.begin);
          EXPECT_LE(span.begin + tile, size);
          // The overlap, or the level's border.
          EXPECT_LE(span.begin, std::max(0, span.core_begin - kRules.overlap));
          EXPECT_GE(span.begin + tile, std::min(size, span.core_end + kRules.overlap));
        }
        EXPECT_EQ(next, size);
      };
      check(TileRows(kRules, *plan, height), height, plan->tile_height);
      check(TileColumns(kRules, *plan, width), width, plan->tile_width);
    }
  }
}

TEST(PlanLevelTest, RulesAreTheDetectors) {
  const model::DetectorSpec detector = *model::BuildDetector({"three_maps", 16, true});
  const TileRules rules = TileRulesOf(detector, 7);
  EXPECT_EQ(rules.multiple, detector.size_multiple);
  EXPECT_GE(rules.overlap, model::ReceptiveRadius(detector.network));
  EXPECT_EQ(rules.overlap % rules.multiple, 0);
  EXPECT_EQ(rules.BytesOf({/*passes_together=*/true, 1, 1, 10, 20}), 7 * 2 * 10 * 20);
}

// A device with room for so many bytes of activations.
struct FakeDevice {
  int64_t room;
  int64_t held_by_others = 0;
  std::vector<LevelPlan> tried = {};

  absl::Status Run(const LevelPlan& plan) {
    tried.push_back(plan);
    if (kRules.BytesOf(plan) + held_by_others <= room) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("needs ", kRules.BytesOf(plan), " bytes; use a smaller --pyramid"));
  }
  absl::Status Try(int height, int width) {
    const auto plan = PlanLevel(kRules, height, width, /*flip=*/true, 0);
    return RunInSmallerPieces(
        kRules, height, width, *plan, [this](const LevelPlan& pieces) { return Run(pieces); },
        [this] {
          held_by_others = 0;
          return absl::OkStatus();
        });
  }
};

constexpr int64_t kWhole = int64_t{100} * 800 * 960;

TEST(RunInSmallerPiecesTest, WhatFitsRunsOnce) {
  FakeDevice device{2 * kWhole};
  EXPECT_TRUE(device.Try(800, 960).ok());
  EXPECT_EQ(device.tried.size(), 1u);
}

TEST(RunInSmallerPiecesTest, RoomThatOthersHoldIsMadeFirst) {
  FakeDevice device{2 * kWhole, kWhole};
  EXPECT_TRUE(device.Try(800, 960).ok());
  ASSERT_EQ(device.tried.size(), 2u);
  EXPECT_TRUE(device.tried[1].passes_together);
}

TEST(RunInSmallerPiecesTest, GoesFromPassesOneByOneToTilesThatFit) {
  FakeDevice device{kWhole};
  EXPECT_TRUE(device.Try(800, 960).ok());
  ASSERT_EQ(device.tried.size(), 3u);  // together twice, then one by one
  EXPECT_TRUE(device.tried[2].whole());
  EXPECT_FALSE(device.tried[2].passes_together);
  device = {kWhole / 5};
  EXPECT_TRUE(device.Try(800, 960).ok());
  EXPECT_GT(device.tried.back().rows * device.tried.back().columns, 1);
  for (size_t i = 2; i + 1 < device.tried.size(); ++i) {  // the last may be the smallest tile
    EXPECT_LE(kRules.BytesOf(device.tried[i]), (kRules.BytesOf(device.tried[i - 1]) + 1) / 2) << i;
  }
}

TEST(RunInSmallerPiecesTest, ComesToTheSmallestTileAlsoWhereThatIsMoreThanHalfOfTheLast) {
  const int64_t smallest = int64_t{100} * (16 + 2 * 48) * (16 + 2 * 48);
  FakeDevice device{smallest};
  EXPECT_TRUE(device.Try(800, 960).ok());
  EXPECT_EQ(kRules.BytesOf(device.tried.back()), smallest);
  device = {smallest - 1};
  EXPECT_FALSE(device.Try(800, 960).ok());
  EXPECT_EQ(kRules.BytesOf(device.tried.back()), smallest);
}

TEST(RunInSmallerPiecesTest, NotEvenTheSmallestTileIsAnErrorWithSizeAndRemedy) {
  FakeDevice device{1000};
  const absl::Status status = device.Try(800, 960);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  for (const char* text : {"960 x 800", "even in tiles of 112 x 112", " bytes", "--pyramid"}) {
    EXPECT_NE(status.message().find(text), std::string::npos) << text << " in " << status;
  }
}

TEST(RunInSmallerPiecesTest, OtherErrorsAreReturnedAtOnce) {
  int runs = 0;
  const absl::Status status = RunInSmallerPieces(
      kRules, 800, 960, *PlanLevel(kRules, 800, 960, true, 0),
      [&runs](const LevelPlan&) {
        ++runs;
        return absl::InternalError("broken");
      },
      [] { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace hardface::infer
