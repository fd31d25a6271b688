#include "infer/region_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace hardface::infer {
namespace {

constexpr TileRules kRules{/*multiple=*/16, /*overlap=*/48, /*bytes_per_pixel=*/100};

bool Covers(const std::vector<LevelRegion>& regions, int x, int y) {
  return std::any_of(regions.begin(), regions.end(), [&](const LevelRegion& region) {
    return region.columns.core_begin <= x && x < region.columns.core_end && region.rows.core_begin <= y &&
           y < region.rows.core_end;
  });
}

TEST(CoverRegionsTest, CoresCoverWhatIsWantedAndHaveTheOverlapInsideTheLevel) {
  const int height = 720, width = 1200;
  const std::vector<data::EdgeBox> wanted = {{-20, -5, 10, 12}, {300, 200, 310.5f, 240}, {1190, 700, 1300, 900}};
  const std::vector<LevelRegion> regions = CoverRegions(kRules, height, width, wanted);
  ASSERT_EQ(regions.size(), 3u);
  for (const auto& [x, y] : std::vector<std::pair<int, int>>{
           {0, 0}, {10, 12}, {300, 200}, {310, 240}, {300, 240}, {1190, 700}, {1199, 719}}) {
    EXPECT_TRUE(Covers(regions, x, y)) << x << " " << y;
  }
  EXPECT_FALSE(Covers(regions, 600, 400));
  for (const LevelRegion& region : regions) {
    const auto check = [](const TileSpan& span, int tile, int size) {
      EXPECT_EQ(span.begin % kRules.multiple, 0);
      EXPECT_EQ(tile % kRules.multiple, 0);
      EXPECT_EQ(span.begin, std::max(0, span.core_begin - kRules.overlap));
      EXPECT_EQ(span.begin + tile, std::min(size, span.core_end + kRules.overlap));
    };
    check(region.rows, region.tile_height, height);
    check(region.columns, region.tile_width, width);
  }
}

TEST(CoverRegionsTest, NeighboursShareARegion) {
  EXPECT_EQ(CoverRegions(kRules, 720, 1200, {{100, 100, 120, 120}, {180, 100, 200, 120}}).size(), 1u);
  EXPECT_EQ(CoverRegions(kRules, 720, 1200, {{100, 100, 120, 120}, {900, 600, 920, 620}}).size(), 2u);
}

TEST(CoverRegionsTest, TheWholeLevelWhereRegionsWouldCostAsMuch) {
  std::vector<data::EdgeBox> wanted;
  for (int y = 60; y < 320; y += 100) {
    for (int x = 30; x < 480; x += 100)
      wanted.push_back(
          {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + 9), static_cast<float>(y + 9)});
  }
  const std::vector<LevelRegion> regions = CoverRegions(kRules, 320, 480, wanted);
  ASSERT_EQ(regions.size(), 1u);
  EXPECT_EQ(regions[0].pixels(), 320 * 480);
  EXPECT_TRUE(Covers(regions, 479, 319) && Covers(regions, 0, 0));
}

TEST(CoverRegionsTest, NothingWantedIsNoRegion) {
  EXPECT_TRUE(CoverRegions(kRules, 720, 1200, {}).empty());
  EXPECT_TRUE(CoverRegions(kRules, 720, 1200, {{-50, 10, -3, 30}, {1300, 10, 1320, 30}}).empty());
}

}  // namespace
}  // namespace hardface::infer
