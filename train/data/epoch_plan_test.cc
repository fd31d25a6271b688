#include "train/data/epoch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hardface::train {
namespace {

std::vector<data::DatasetEntry> Entries(int count) {
  std::vector<data::DatasetEntry> entries(count);
  for (int i = 0; i < count; ++i) {
    entries[i].width = i % 3 == 0 ? 100 : 300;
    entries[i].height = 200;
  }
  return entries;
}

mining::LedgerEntry Scored(float wpas) {
  mining::LedgerEntry entry;
  entry.visited = true;
  entry.difficulty.wpas = wpas;
  return entry;
}

TEST(PlanEpochTest, VisitsEveryHardImageOnceAndIsReproducible) {
  const auto entries = Entries(100);
  const std::vector<mining::LedgerEntry> ledger(100, Scored(0.5f));
  const auto order = PlanEpoch(entries, ledger, 3, {});
  EXPECT_EQ(order, PlanEpoch(entries, ledger, 3, {}));
  EXPECT_NE(order, PlanEpoch(entries, ledger, 4, {}));
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 100u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(PlanEpochTest, LeavesOutAboutSevenOfTenEasyImagesAndRedrawsThem) {
  const auto entries = Entries(2000);
  std::vector<mining::LedgerEntry> ledger(2000, Scored(0.9f));
  for (int i = 0; i < 1000; ++i) ledger[i] = Scored(0.1f);
  std::set<int64_t> easy_kept[2];
  for (int epoch = 0; epoch < 2; ++epoch) {
    int hard = 0;
    for (const int64_t index : PlanEpoch(entries, ledger, epoch, {})) {
      if (index < 1000) ++hard;
      if (index >= 1000) easy_kept[epoch].insert(index);
    }
    EXPECT_EQ(hard, 1000);
    EXPECT_NEAR(static_cast<double>(easy_kept[epoch].size()), 300, 60);
  }
  EXPECT_NE(easy_kept[0], easy_kept[1]);
}

TEST(PlanEpochTest, WithoutMiningAllAreVisited) {
  const std::vector<mining::LedgerEntry> ledger(50, Scored(1.0f));
  EpochOptions options;
  options.hard_image_mining = false;
  EXPECT_EQ(PlanEpoch(Entries(50), ledger, 0, options).size(), 50u);
}

TEST(PlanEpochTest, ImagesNeverScoredOrWithoutPositivesAreKept) {
  std::vector<mining::LedgerEntry> ledger(50);
  for (int i = 0; i < 25; ++i) ledger[i].visited = true;  // visited, no positive anchor
  EXPECT_EQ(PlanEpoch(Entries(50), ledger, 0, {}).size(), 50u);
  EpochOptions published;
  published.mining.without_positives = mining::WithoutPositives::kEasy;
  published.mining.drop = 1;
  EXPECT_EQ(PlanEpoch(Entries(50), ledger, 0, published).size(), 25u);
}

TEST(PlanEpochTest, NothingKeptInAnyEpochIsAnErrorThatSaysWhy) {
  std::vector<mining::LedgerEntry> ledger(4, Scored(0.9f));
  for (size_t i = 0; i < 3; ++i) ledger[i].difficulty.wpas.reset();
  EpochOptions options;
  options.mining.without_positives = mining::WithoutPositives::kLeaveOut;
  EXPECT_TRUE(CheckSomeAreKept(ledger, options).ok()) << "an easy image comes back by chance";
  options.mining.drop = 1;
  EXPECT_TRUE(PlanEpoch(Entries(4), ledger, 0, options).empty());
  const std::string message(CheckSomeAreKept(ledger, options).message());
  EXPECT_THAT(message, testing::HasSubstr("leaves out all 4 entries"));
  EXPECT_THAT(message, testing::HasSubstr("1 are easy, of which --him_drop=1 leaves out all"));
  EXPECT_THAT(message, testing::HasSubstr("3 have been visited and never showed a face"));
  options.hard_image_mining = false;
  EXPECT_TRUE(CheckSomeAreKept(ledger, options).ok());
}

TEST(PlanEpochTest, AspectGroupsShareAnOrientation) {
  const auto entries = Entries(60);
  EpochOptions options;
  options.aspect_group = 4;
  const auto order = PlanEpoch(entries, std::vector<mining::LedgerEntry>(60), 0, options);
  ASSERT_EQ(order.size(), 60u);
  for (size_t start = 0; start + 4 <= order.size(); start += 4) {
    for (size_t i = start; i < start + 4; ++i) {
      EXPECT_EQ(entries[order[i]].width, entries[order[start]].width) << i;
    }
  }
}

}  // namespace
}  // namespace hardface::train
