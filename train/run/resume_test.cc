#include "train/run/resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/atomic_output.h"
#include "base/read_file.h"
#include "model/detectors/detector.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/ranks/thread_ranks.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() {
    output_ = ::testing::TempDir() + "/resume_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(output_);
    dataset_.manifest_path = "data/manifest.jsonl";
    for (const std::string image : {"a.jpg", "b.jpg", "c.jpg"}) {
      data::DatasetEntry& entry = dataset_.entries.emplace_back();
      entry.image = image;
    }
  }

  // A state of RANKS ranks; entry i's ledger has a WPAS of i / 10, and the epoch goes on with the entries 2, 0.
  TrainingState State(int ranks = 1) const {
    TrainingState state;
    state.iteration = 40;
    state.ranks = ranks;
    state.entries = {{"a.jpg", false}, {"b.jpg", false}, {"c.jpg", false}};
    state.manifest_sha256 = hash_;
    for (int rank = 0; rank < ranks; ++rank) {
      RankState& of_rank = state.rank_states.emplace_back();
      of_rank.position = {3, {1, 2, 0}, 1, 70 + rank};
      for (int i = 0; i < 3; ++i) {
        mining::LedgerEntry& entry = of_rank.ledger.emplace_back();
        entry.visited = true;
        entry.difficulty.wpas = 0.1f * static_cast<float>(i);
      }
    }
    return state;
  }
  void Save(int64_t iteration) const {
    model::Model model;
    model.detector = *model::BuildDetector({"smallhard", 64, true});
    const auto specs = model::ListParameters(model.detector.network);
    model.parameters = model::InitializeParameters(specs, model::Initialization::kHe, 1);
    TrainingState state = State();
    state.iteration = iteration;
    state.parameters = model.parameters;
    const absl::Status saved = SaveCheckpoint(output_, state, model, /*keep=*/5);
    ASSERT_TRUE(saved.ok()) << saved;
  }
  NamedDataset Now() const { return {dataset_, name_, hash_}; }

  const std::string name_ = "data", hash_ = "0123";
  std::string output_;
  data::Dataset dataset_;
  std::vector<std::string> told_;
  const TellFunction tell_ = [this](const std::string& message) { told_.push_back(message); };
  WorldOfOne alone_;
};

TEST_F(ResumeTest, TheNewestCheckpointIsTakenOnlyWhereAskedFor) {
  Save(10);
  Save(20);
  const auto found = FindCheckpoint(output_, /*resume=*/true, &alone_, tell_);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->state.iteration, 20);
  EXPECT_THAT((*found)->folder, HasSubstr("iteration-00000020"));
  const auto not_asked = FindCheckpoint(output_, /*resume=*/false, &alone_, tell_);
  ASSERT_TRUE(not_asked.ok());
  EXPECT_FALSE(not_asked->has_value());
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ResumeTest, WithoutACheckpointItIsSaidThatTrainingStartsAnew) {
  const auto found = FindCheckpoint(output_, /*resume=*/true, &alone_, tell_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->has_value());
  EXPECT_THAT(told_, ElementsAre(HasSubstr("holds no checkpoint: training starts at iteration 0")));
}

TEST_F(ResumeTest, ABrokenCheckpointIsToldAndTheOneBeforeTaken) {
  Save(10);
  Save(20);
  const std::string broken = ListCheckpoints(output_).back() + "/solver.safetensors";
  std::string bytes = *ReadFile(broken);
  bytes.back() ^= 1;
  ASSERT_TRUE(WriteFileAtomically(broken, bytes).ok());
  const auto found = FindCheckpoint(output_, /*resume=*/true, &alone_, tell_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->state.iteration, 10);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("iteration-00000020")));
}

TEST_F(ResumeTest, AllRanksGoOnFromTheCheckpointThatRankZeroFound) {
  Save(10);
  std::mutex mutex;
  std::vector<int64_t> iterations;
  RunRanks(3, [&](Communicator* communicator) {
    const auto found =
        FindCheckpoint(output_, /*resume=*/true, communicator, [](const std::string& message) { FAIL() << message; });
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_TRUE(found->has_value());
    const std::lock_guard<std::mutex> lock(mutex);
    iterations.push_back((*found)->state.iteration);
  });
  EXPECT_THAT(iterations, ElementsAre(10, 10, 10));
}

TEST_F(ResumeTest, AnotherOrderOfTheEntriesMovesTheLedgerAndTheEpoch) {
  std::swap(dataset_.entries[0], dataset_.entries[2]);
  TrainingState state = State();
  ASSERT_TRUE(MapToDataset("checkpoint", Now(), tell_, &state).ok());
  EXPECT_EQ(state.rank_states[0].ledger[0].difficulty.wpas, 0.2f) << "c.jpg stands first now";
  EXPECT_EQ(state.rank_states[0].ledger[2].difficulty.wpas, 0.0f);
  EXPECT_THAT(state.rank_states[0].position.order, ElementsAre(1, 0, 2));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("has its entries in another order")));
}

TEST_F(ResumeTest, OtherEntriesAreAnErrorThatNamesTheFirst) {
  dataset_.entries[1].image = "x.jpg";
  TrainingState state = State();
  const absl::Status status = MapToDataset("checkpoint", Now(), tell_, &state);
  EXPECT_THAT(std::string(status.message()), HasSubstr("x.jpg"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("b.jpg"));
}

TEST_F(ResumeTest, AChangedManifestOfTheSameEntriesIsTold) {
  TrainingState state = State();
  state.manifest_sha256 = "4567";
  ASSERT_TRUE(MapToDataset("checkpoint", Now(), tell_, &state).ok());
  EXPECT_THAT(told_, ElementsAre(HasSubstr("has changed since the checkpoint, though not in its images")));
}

TEST_F(ResumeTest, ALedgerOfAnotherLengthIsAnError) {
  TrainingState state = State();
  state.rank_states[0].ledger.pop_back();
  EXPECT_THAT(std::string(MapToDataset("checkpoint", Now(), tell_, &state).message()),
              HasSubstr("was trained on 2 entries, checkpoint/entries.jsonl has 3"));
}

TEST_F(ResumeTest, CheckpointsWithoutNamesAreTakenByPlace) {
  TrainingState state = State();
  state.entries.clear();
  ASSERT_TRUE(MapToDataset("checkpoint", Now(), tell_, &state).ok());
  EXPECT_THAT(told_, ElementsAre(HasSubstr("does not name its entries")));
  dataset_.entries.pop_back();
  EXPECT_THAT(std::string(MapToDataset("checkpoint", Now(), tell_, &state).message()),
              HasSubstr("was trained on 3 entries, data has 2"));
}

TEST_F(ResumeTest, RanksThatDifferTakeTheirOwnState) {
  RunRanks(3, [&](Communicator* communicator) {
    const auto tell = [](const std::string& message) { EXPECT_THAT(message, HasSubstr("written by 2 ranks")); };
    const RankState shared = StateOfRank(State(2), /*ranks_differ=*/false, *communicator, tell);
    EXPECT_EQ(shared.position.samples, 70) << "one sequence for all";
    const RankState own = StateOfRank(State(2), /*ranks_differ=*/true, *communicator, tell);
    if (communicator->rank() < 2) {
      EXPECT_EQ(own.position.samples, 70 + communicator->rank());
      EXPECT_EQ(own.position.order.size(), 3u);
    } else {
      EXPECT_TRUE(own.position.order.empty()) << "a rank that was not there takes an order of its own";
      EXPECT_EQ(own.position.epochs_planned, 3);
    }
  });
}

}  // namespace
}  // namespace hardface::train
