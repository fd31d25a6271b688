#include "mining/ledger_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "mining/difficulty.h"
#include "mining/ledger.h"

namespace hardface::mining {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Line(const std::string& image, bool flip, std::optional<float> wpas, int64_t iteration) {
  Difficulty difficulty;
  difficulty.wpas = wpas;
  difficulty.positives = wpas.has_value() ? 12 : 0;
  difficulty.iteration = iteration;
  return VisitToJson(image, flip, 0.5, difficulty) + "\n";
}

absl::StatusOr<LedgerHistory> Read(const std::string& text) {
  const std::string path = testing::TempDir() + "/ledger_history_test/ledger.jsonl";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return ReadLedgerHistory(testing::TempDir() + "/ledger_history_test", {});
}

std::vector<std::string> Names(const LedgerHistory& history, const std::vector<size_t>& indices) {
  std::vector<std::string> names;
  for (const size_t index : indices) names.push_back(history.entries[index].image);
  return names;
}

TEST(LedgerHistory, GathersEveryEntrysVisits) {
  const auto history = Read(Line("a", false, 0.5f, 0) + Line("a", true, 0.25f, 0) + Line("a", false, {}, 10) +
                            Line("a", false, 1.0f, 20));
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->visits, 4);
  EXPECT_EQ(history->first_iteration, 0);
  EXPECT_EQ(history->last_iteration, 20);
  ASSERT_EQ(history->entries.size(), 2u);
  const EntryHistory& entry = history->entries[0];
  EXPECT_EQ(entry.visits, 3);
  ASSERT_EQ(entry.scores.size(), 2u);  // the visit beside the faces gave none
  EXPECT_EQ(entry.scores[1].iteration, 20);
  EXPECT_EQ(entry.RecentWpas(), 0.75f);
  EXPECT_EQ(entry.BestWpas(), 1.0f);
  EXPECT_EQ(entry.LateBestWpas(), 1.0f);
  EXPECT_EQ(entry.Turns(0.85f), 1);
  EXPECT_TRUE(history->entries[1].flip);
}

TEST(LedgerHistory, CountsTheKindsAfterEachIteration) {
  const auto history = Read(Line("a", false, 0.5f, 0) + Line("b", false, {}, 0) + Line("a", false, 0.85f, 10) +
                            Line("b", false, 0.1f, 20) + Line("a", false, 0.2f, 30) + Line("a", false, {}, 40));
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(history->hard, ElementsAre(Pair(0, 1), Pair(10, 0), Pair(20, 1), Pair(30, 2), Pair(40, 2)));
  EXPECT_THAT(history->easy, ElementsAre(Pair(0, 0), Pair(10, 1), Pair(20, 1), Pair(30, 0), Pair(40, 0)));
  EXPECT_THAT(history->without_positives, ElementsAre(Pair(0, 1), Pair(10, 1), Pair(20, 0), Pair(30, 0), Pair(40, 0)));
}

TEST(LedgerHistory, BrokenAndEmptyLedgersAreErrorsThatNameThem) {
  EXPECT_THAT(std::string(Read(Line("a", false, 0.5f, 0) + "x\n").status().message()), HasSubstr("ledger.jsonl:2: "));
  EXPECT_THAT(std::string(Read("").status().message()), HasSubstr("ledger.jsonl: holds no visit yet"));
  EXPECT_THAT(std::string(ReadLedgerHistory("/nowhere/x.jsonl", {}).status().message()), HasSubstr("/nowhere/x.jsonl"));
  // A training is writing.
  const auto growing = Read(Line("a", false, 0.5f, 0) + "{\"image\":\"b");
  ASSERT_TRUE(growing.ok()) << growing.status();
  EXPECT_EQ(growing->visits, 1);
}

TEST(LedgerHistory, HardestByTheMeanOfTheLastThreeScores) {
  std::string text = Line("none", false, {}, 0);
  for (const float wpas : {0.0f, 0.9f, 0.9f, 0.9f}) text += Line("was_hard", false, wpas, 1);
  for (const float wpas : {0.9f, 0.1f, 0.2f, 0.3f}) text += Line("is_hard", false, wpas, 2);
  for (const float wpas : {0.8f, 0.8f, 0.0f}) text += Line("one_bad_crop", false, wpas, 3);
  const auto history = Read(text);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(Names(*history, HardestEntries(*history, 9)), ElementsAre("is_hard", "one_bad_crop", "was_hard"));
  EXPECT_THAT(Names(*history, HardestEntries(*history, 1)), ElementsAre("is_hard"));
}

TEST(LedgerHistory, NeverLearntNeedsScoresAndTime) {
  std::string text;
  for (int i = 0; i <= 100; i += 10) {
    text += Line("never", false, 0.5f, i) + Line("worse", false, i == 50 ? 0.4f : 0.1f, i);
    text += Line("once", false, i == 50 ? 0.9f : 0.1f, i);
    if (i >= 60) text += Line("late", false, 0.1f, i);
    if (i % 50 == 0) text += Line("seldom", false, 0.1f, i);
    text += Line("without", false, {}, i);
  }
  const auto history = Read(text);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(Names(*history, NeverLearntEntries(*history, {})), ElementsAre("worse", "never"));
  NeverLearntOptions options;
  options.min_scores = 3;
  EXPECT_THAT(Names(*history, NeverLearntEntries(*history, options)), ElementsAre("seldom", "worse", "never"));
  options.min_time_share = 0;
  EXPECT_THAT(Names(*history, NeverLearntEntries(*history, options)), ElementsAre("seldom", "late", "worse", "never"));
  options.threshold = 0.45f;
  EXPECT_THAT(Names(*history, NeverLearntEntries(*history, options)), ElementsAre("seldom", "late", "worse"));
}

TEST(LedgerHistory, AFreshNetworksScoresDoNotRankTheNeverLearnt) {
  std::string text;
  for (const float late : {0.3f, 0.2f, 0.1f}) {
    for (int i = 0; i < 3; ++i) text += Line(absl::StrCat("late", late), false, 0.5f - late, 0);
  }
  for (const float late : {0.3f, 0.2f, 0.1f}) {
    for (int i = 0; i < 3; ++i) text += Line(absl::StrCat("late", late), false, late, 10);
  }
  const auto history = Read(text);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(Names(*history, NeverLearntEntries(*history, {})), ElementsAre("late0.1", "late0.2", "late0.3"));
}

TEST(LedgerHistory, UnsteadyByTurns) {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += Line("twice", false, i == 3 ? 0.9f : 0.1f, i) + Line("often", false, i % 2 == 0 ? 0.9f : 0.1f, i);
    text += Line("learnt", false, i < 3 ? 0.1f : 0.9f, i);
  }
  const auto history = Read(text);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(Names(*history, UnsteadyEntries(*history, 0.85f, 9)), ElementsAre("often", "twice"));
  EXPECT_THAT(UnsteadyEntries(*history, 0.95f, 9), IsEmpty());
}

}  // namespace
}  // namespace hardface::mining
