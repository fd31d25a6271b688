#include "mining/mining_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace hardface::mining {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A mosaic of the entries 5, 2 and 9: two faces of 5, one of 9.
data::TrainingSample Mosaic() {
  data::TrainingSample sample;
  sample.sources = {5, 2, 9};
  sample.scales = {0.5, 1, 2};
  sample.faces = {{{}, false, 0}, {{}, false, 2}, {{}, false, 0}};
  return sample;
}

TEST(FaceScoreTest, IsTheLowestScoreOfAllAnchors) {
  FaceScore score;
  EXPECT_FALSE(score.wpas().has_value());
  score.Add({0.75f, 1});
  score.Add({0.25f, 3});
  score.Add({0.5f, 1});
  score.Add({});  // a face without positive anchors says nothing
  EXPECT_EQ(score.wpas(), 0.25f);
  EXPECT_EQ(score.positives, 5);
}

TEST(VisitsOfTest, EachEntryOfAMosaicIsScoredByItsOwnFaces) {
  const std::vector<Visit> visits =
      VisitsOf(Mosaic(), {{0.9f, 2}, {0.3f, 4}, {0.4f, 1}}, /*number=*/77, /*iteration=*/12);
  ASSERT_EQ(visits.size(), 3u);
  EXPECT_EQ(visits[0].entry, 5);
  EXPECT_EQ(visits[0].sample, 77);
  EXPECT_EQ(visits[0].scale, 0.5);
  EXPECT_EQ(visits[0].difficulty.wpas, 0.4f);
  EXPECT_EQ(visits[0].difficulty.positives, 3);
  EXPECT_EQ(visits[0].difficulty.iteration, 12);
  EXPECT_EQ(visits[1].entry, 2);
  EXPECT_FALSE(visits[1].difficulty.wpas.has_value()) << "it shows no face";
  EXPECT_EQ(visits[2].entry, 9);
  EXPECT_EQ(visits[2].difficulty.wpas, 0.3f);
  EXPECT_EQ(visits[2].difficulty.positives, 4);
}

TEST(VisitsOfTest, AFaceWithoutPositiveAnchorsGivesNoScore) {
  const std::vector<Visit> visits = VisitsOf(Mosaic(), {{0.9f, 2}, {}, {}}, /*number=*/77, /*iteration=*/12);
  EXPECT_EQ(visits[0].difficulty.wpas, 0.9f);
  EXPECT_FALSE(visits[2].difficulty.wpas.has_value());
}

TEST(MiningLedgerTest, VisitsCountWhenTheyAreSaidToNotWhenTheyAreNoted) {
  HardImageOptions options;
  options.threshold = 0.85f;
  MiningLedger ledger(options, 4);
  EXPECT_EQ(ledger.HardFraction(), 1) << "what was never visited is hard";
  ledger.Note({{1, 0, 1, {0.9f, 2, 10}}, {2, 3, 1, {0.2f, 1, 11}}});
  ledger.Note({{3, 1, 1, {0.95f, 1, 12}}});
  EXPECT_EQ(ledger.HardFraction(), 1);
  const std::vector<Visit> pending = ledger.TakePending();
  ASSERT_EQ(pending.size(), 3u);
  EXPECT_TRUE(ledger.TakePending().empty());
  ledger.Count(pending);
  EXPECT_EQ(ledger.HardFraction(), 0.5);
  // The latest visit decides.
  ledger.Count({{4, 0, 1, {0.1f, 1, 13}}});
  EXPECT_EQ(ledger.HardFraction(), 0.75);
}

TEST(MiningLedgerTest, DifficultyFileHasTheVisitedEntries) {
  MiningLedger ledger({}, 2);
  ledger.Count({{1, 1, 1, {0.5f, 2, 10}}});
  std::vector<data::DatasetEntry> dataset(2);
  dataset[0].image = "never.jpg";
  dataset[1].image = "seen.jpg";
  dataset[1].flip = true;
  const std::string file = ledger.DifficultyFile(dataset);
  EXPECT_EQ(file, "{\"image\":\"seen.jpg\",\"flip\":true,\"wpas\":0.5,\"positives\":2,\"iteration\":10}\n");
  EXPECT_THAT(file, Not(HasSubstr("never")));
}

TEST(MiningLedgerTest, RestoreTakesTheStandingOfACheckpoint) {
  MiningLedger first({}, 2), second({}, 2);
  first.Count({{1, 0, 1, {0.9f, 2, 10}}});
  second.Restore(first.entries());
  EXPECT_EQ(second.HardFraction(), 0.5);
  EXPECT_TRUE(second.entries()[0].visited);
}

}  // namespace
}  // namespace hardface::mining
