#include "train/run/training_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<data::DatasetEntry> Entries(const std::vector<std::pair<std::string, bool>>& names) {
  std::vector<data::DatasetEntry> entries;
  for (const auto& [image, flip] : names) {
    data::DatasetEntry& entry = entries.emplace_back();
    entry.image = image;
    entry.flip = flip;
  }
  return entries;
}

const std::vector<EntryName> kBefore = {{"a.jpg", false}, {"a.jpg", true}, {"b.jpg", false}};

std::string MapError(const std::vector<std::pair<std::string, bool>>& now) {
  return std::string(MapEntries(kBefore, Entries(now), "iteration-10", "set").status().message());
}

TEST(MapEntriesTest, FindsEntriesByImageAndFlip) {
  const auto places = MapEntries(kBefore, Entries({{"b.jpg", false}, {"a.jpg", true}, {"a.jpg", false}}), "c", "d");
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(*places, (std::vector<int64_t>{2, 1, 0}));
  EXPECT_FALSE(IsSameOrder(*places));
  EXPECT_TRUE(
      IsSameOrder(*MapEntries(kBefore, Entries({{"a.jpg", false}, {"a.jpg", true}, {"b.jpg", false}}), "", "")));
}

TEST(MapEntriesTest, EntriesThatStandTwiceKeepTheirOrder) {
  const std::vector<EntryName> twice = {{"a.jpg", false}, {"a.jpg", false}, {"b.jpg", false}};
  const auto places = MapEntries(twice, Entries({{"b.jpg", false}, {"a.jpg", false}, {"a.jpg", false}}), "c", "d");
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(*places, (std::vector<int64_t>{1, 2, 0}));
  EXPECT_FALSE(MapEntries(twice, Entries({{"a.jpg", false}, {"b.jpg", false}}), "c", "d").ok());
}

TEST(MapEntriesTest, OtherEntriesAreErrorsThatNameTheFirstDifference) {
  EXPECT_THAT(MapError({{"a.jpg", false}, {"a.jpg", true}, {"c.jpg", false}}),
              AllOf(HasSubstr("iteration-10: was trained on other entries than set has"),
                    HasSubstr("New entries: 1, the first is entry 3, c.jpg."),
                    HasSubstr("Missing entries: 1, the first is b.jpg.")));
  // As many, but not the same: the mirror image is an entry of its own.
  EXPECT_THAT(MapError({{"a.jpg", false}, {"b.jpg", true}, {"b.jpg", false}}),
              AllOf(HasSubstr("entry 2, b.jpg (flipped)"), HasSubstr("the first is a.jpg (flipped)")));
  EXPECT_THAT(MapError({{"a.jpg", false}}), HasSubstr("Missing entries: 2, the first is a.jpg (flipped)."));
  EXPECT_THAT(MapError({{"a.jpg", false}, {"a.jpg", true}, {"b.jpg", false}, {"x.jpg", false}}),
              HasSubstr("New entries: 1, the first is entry 4, x.jpg."));
}

TEST(MoveEntriesTest, MovesTheLedgerAndTheEpochBeingVisited) {
  RankState state;
  state.ledger.resize(3);
  for (int i = 0; i < 3; ++i) state.ledger[static_cast<size_t>(i)].difficulty.positives = 10 + i;
  state.position.order = {2, 0, 0};
  MoveEntries({1, 2, 0}, &state);
  EXPECT_EQ(state.ledger[1].difficulty.positives, 10);
  EXPECT_EQ(state.ledger[2].difficulty.positives, 11);
  EXPECT_EQ(state.ledger[0].difficulty.positives, 12);
  EXPECT_EQ(state.position.order, (std::vector<int64_t>{0, 1, 1}));
}

TEST(RequireFacesTest, WantsOneThatCounts) {
  data::Dataset dataset;
  dataset.manifest_path = "set/manifest.jsonl";
  dataset.entries = Entries({{"a.jpg", false}, {"b.jpg", false}});
  EXPECT_THAT(std::string(RequireFaces(dataset, 0).message()),
              HasSubstr("set/manifest.jsonl: none of its 2 entries has a face."));
  dataset.entries[1].faces = {{{1, 1, 9, 9}, /*ignore=*/true, {}}, {{1, 1, 0, 9}, false, {}}};
  EXPECT_THAT(std::string(RequireFaces(dataset, 0).message()),
              HasSubstr("that counts: all 2 are ignored or have no area"));
  dataset.entries[1].faces.push_back({{1, 1, 9, 9}, false, {}});
  EXPECT_TRUE(RequireFaces(dataset, 0).ok());
  EXPECT_TRUE(RequireFaces(dataset, 2).ok());
  EXPECT_FALSE(RequireFaces(dataset, 1).ok());
}

}  // namespace
}  // namespace hardface::train
