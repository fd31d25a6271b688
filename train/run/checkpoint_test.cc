// Checkpoints round-trip; broken ones are noticed and passed over.
#include "train/run/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    output_ =
        ::testing::TempDir() + "/checkpoint_test_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(output_);
    model_.detector = *model::BuildDetector({"smallhard", 16, true});
    const auto specs = model::ListParameters(model_.detector.network);
    model_.parameters = model::InitializeParameters(specs, model::Initialization::kHe, 1);
    state_.parameters = model::InitializeParameters(specs, model::Initialization::kHe, 2);
    state_.solver["first.x"] = {{2}, {1.5f, -2}};
    RankState of_rank;
    of_rank.position = {3, {2, 1, 0}, 1, 77};
    of_rank.ledger.resize(3);
    of_rank.ledger[1].visited = of_rank.ledger[1].was_easy = true;
    of_rank.ledger[1].difficulty = {0.1f, 4, 12};
    of_rank.ledger[1].recent = {0.25f, 0.1f};
    of_rank.ledger[2].visited = true;
    state_.rank_states = {of_rank, {}};
    state_.ranks = 2;
    state_.entries = {{"a \"1\".jpg", false}, {"a \"1\".jpg", true}, {"b.jpg", false}};
    state_.manifest_sha256 = "c0ffee";
    state_.metrics_bytes = 123;
    state_.ledger_bytes = 456;
  }

  void Save(int64_t iteration) {
    state_.iteration = iteration;
    const absl::Status saved = SaveCheckpoint(output_, state_, model_, /*keep=*/2);
    ASSERT_TRUE(saved.ok()) << saved;
  }

  std::string output_;
  model::Model model_;
  TrainingState state_;
};

TEST_F(CheckpointTest, RoundTrips) {
  state_.best_ap = 0.1 + 0.2;
  Save(10);
  std::vector<std::string> warnings;
  const auto found = LoadNewestCheckpoint(output_, &warnings);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  const TrainingState& state = (*found)->state;
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(state.iteration, 10);
  EXPECT_EQ(state.ranks, 2);
  EXPECT_EQ(state.metrics_bytes, 123);
  EXPECT_EQ(state.ledger_bytes, 456);
  EXPECT_EQ(state.best_ap, state_.best_ap);
  ASSERT_EQ(state.rank_states.size(), 2u);
  EXPECT_EQ(state.rank_states[0].position.order, (std::vector<int64_t>{2, 1, 0}));
  EXPECT_EQ(state.rank_states[0].position.samples, 77);
  EXPECT_FALSE(state.rank_states[0].ledger[0].visited);
  EXPECT_TRUE(state.rank_states[0].ledger[1].was_easy);
  EXPECT_EQ(state.rank_states[0].ledger[1].difficulty.wpas, 0.1f);
  EXPECT_EQ(state.rank_states[0].ledger[1].recent, (std::vector<float>{0.25f, 0.1f}));
  EXPECT_FALSE(state.rank_states[0].ledger[2].difficulty.wpas.has_value());
  ASSERT_EQ(state.entries.size(), 3u);
  EXPECT_EQ(state.entries[1].image, "a \"1\".jpg");
  EXPECT_TRUE(state.entries[1].flip);
  EXPECT_FALSE(state.entries[2].flip);
  EXPECT_EQ(state.manifest_sha256, "c0ffee");
  EXPECT_EQ(state.solver.at("first.x").values, (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(state.parameters.at("head_1.weight").values, state_.parameters.at("head_1.weight").values);
}

TEST_F(CheckpointTest, BrokenOnesAreNamedAndTheOneBeforeIsTaken) {
  Save(10);
  Save(20);
  Save(30);  // removes 10
  const std::string newest = ListCheckpoints(output_).back() + "/solver.safetensors";
  std::string bytes = *ReadFile(newest);
  bytes[bytes.size() - 5] ^= 1;  // one bit of one weight
  ASSERT_TRUE(WriteFileAtomically(newest, bytes).ok());
  std::vector<std::string> warnings;
  auto found = LoadNewestCheckpoint(output_, &warnings);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->state.iteration, 20);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("iteration-00000030"));

  ASSERT_TRUE(WriteFileAtomically(ListCheckpoints(output_)[0] + "/state.json", "{\"format\":\"hardf").ok());
  warnings.clear();
  found = LoadNewestCheckpoint(output_, &warnings);
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("every checkpoint is broken"));
  EXPECT_EQ(warnings.size(), 2u);
}

// The error of loading the checkpoint after a change of one text in FILE.
std::string ErrorAfter(const std::string& output, const std::string& file, const std::string& from,
                       const std::string& to) {
  const std::string folder = ListCheckpoints(output).back(), path = folder + "/" + file;
  const std::string before = *ReadFile(path);
  const size_t at = before.find(from);
  EXPECT_NE(at, std::string::npos) << before;
  std::string after = before;
  EXPECT_TRUE(WriteFileAtomically(path, after.replace(at, from.size(), to)).ok());
  std::string message(LoadCheckpoint(folder).status().message());
  EXPECT_TRUE(WriteFileAtomically(path, before).ok());
  return message;
}

TEST_F(CheckpointTest, StatesThatCannotBeAreErrors) {
  Save(10);
  EXPECT_THAT(ErrorAfter(output_, "entries.jsonl", "b.jpg", "c.jpg"), HasSubstr("entries.jsonl: its SHA-256"));
  // Indices that lead out of the ledger would be followed.
  EXPECT_THAT(ErrorAfter(output_, "state.json", "[2,1,0]", "[3,1,0]"), HasSubstr("does not fit its ledger of 3"));
  EXPECT_THAT(ErrorAfter(output_, "state.json", "[2,1,0]", "[-1,1,0]"), HasSubstr("does not fit its ledger of 3"));
  EXPECT_THAT(ErrorAfter(output_, "state.json", "\"next\":1", "\"next\":4"), HasSubstr("\"next\" 4"));
  EXPECT_THAT(ErrorAfter(output_, "state.json", "\"ranks\":2", "\"ranks\":0"), HasSubstr("\"ranks\" 0"));
  EXPECT_THAT(ErrorAfter(output_, "state.json", "\"version\":3", "\"version\":4"), HasSubstr("of version 4"));
  EXPECT_THAT(ErrorAfter(output_, "state.json", "[2,1,0]", std::string(100000, '[')), HasSubstr("nested more than"));
  EXPECT_TRUE(LoadCheckpoint(ListCheckpoints(output_).back()).ok());
}

TEST_F(CheckpointTest, CheckpointsOfVersion2DidNotNameTheirEntries) {
  Save(10);
  const std::string path = ListCheckpoints(output_).back() + "/state.json";
  std::string text = *ReadFile(path);
  text.replace(text.find("\"version\":3"), 11, "\"version\":2");
  ASSERT_TRUE(WriteFileAtomically(path, text).ok());
  fs::remove(ListCheckpoints(output_).back() + "/entries.jsonl");
  const auto state = LoadCheckpoint(ListCheckpoints(output_).back());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->entries.empty());
  EXPECT_EQ(state->rank_states[0].ledger.size(), 3u);
}

TEST_F(CheckpointTest, WeightsThatAreNotFiniteAreNoCheckpoint) {
  Save(10);
  state_.parameters["head_1.weight"].values[2] = std::nanf("");
  state_.iteration = 20;
  EXPECT_THAT(std::string(SaveCheckpoint(output_, state_, model_, /*keep=*/1).message()),
              HasSubstr("tensor weights.head_1.weight would hold nan"));
  std::vector<std::string> warnings;
  const auto found = LoadNewestCheckpoint(output_, &warnings);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->state.iteration, 10);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(CheckpointTest, AFolderWithoutCheckpointsIsNoError) {
  std::vector<std::string> warnings;
  const auto found = LoadNewestCheckpoint(output_, &warnings);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
}

}  // namespace
}  // namespace hardface::train
