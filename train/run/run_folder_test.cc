#include "train/run/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/read_file.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RunFolderTest : public ::testing::Test {
 protected:
  RunFolderTest()
      : folder_(::testing::TempDir() + "/run_folder_" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    RunningTool().name = "train/train";
  }

  void Add(const std::string& name) { ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, "x").ok()); }
  void AddProvenanceOf(const std::string& tool) {
    RunningTool().name = tool;
    fs::create_directories(folder_);
    ASSERT_TRUE(Provenance().WriteInto(folder_).ok());
    RunningTool().name = "train/train";
  }
  std::string Claim(bool resume) { return std::string(ClaimRunFolder(folder_, resume).message()); }

  const std::string folder_;
};

TEST_F(RunFolderTest, StartsInANewOrEmptyFolderAndAfterAKillAtTheStart) {
  EXPECT_EQ(Claim(false), "");
  fs::create_directories(folder_);
  EXPECT_EQ(Claim(false), "");
  Add(".provenance.json.tmp-4194303");
  EXPECT_EQ(Claim(false), "");
  AddProvenanceOf("train/train");
  Add("metrics.jsonl");
  EXPECT_EQ(Claim(false), "");
  EXPECT_EQ(Claim(true), "");
}

// The second would go on from the first one's last checkpoint, and both would write the same files.
TEST_F(RunFolderTest, OneTrainingAtATimeWritesARun) {
  RunFolderLock second;
  {
    RunFolderLock first;
    EXPECT_TRUE(first.Take(folder_).ok()) << "not there yet";
    fs::create_directories(folder_);
    EXPECT_TRUE(first.Take(folder_).ok());
    EXPECT_TRUE(first.Take(folder_).ok()) << "its own";
    EXPECT_THAT(std::string(second.Take(folder_).message()), HasSubstr("another training is writing this run"));
  }
  EXPECT_TRUE(second.Take(folder_).ok());
}

TEST_F(RunFolderTest, RefusesFoldersOfOthers) {
  Add("thesis.tex");
  for (const bool resume : {false, true}) EXPECT_THAT(Claim(resume), HasSubstr("no provenance.json says"));
  EXPECT_THAT(
      std::string(ClaimRunFolder(folder_ + "_none/../" + fs::path(folder_).filename().string(), true).message()),
      HasSubstr("no provenance.json says"));
  AddProvenanceOf("data_tools/flip");
  for (const bool resume : {false, true}) EXPECT_THAT(Claim(resume), HasSubstr("was written by data_tools/flip"));
}

TEST_F(RunFolderTest, CheckpointsAreGoneOnFromAndNeverStartedOver) {
  AddProvenanceOf("train/train");
  Add("checkpoints/iteration-00000010/state.json");
  Add("model.safetensors");
  EXPECT_THAT(Claim(false), HasSubstr("--resume"));
  EXPECT_EQ(Claim(true), "");
}

TEST_F(RunFolderTest, AModelWhoseCheckpointsAreGoneIsNotReplaced) {
  AddProvenanceOf("train/train");
  Add("model.safetensors");
  for (const bool resume : {false, true}) {
    EXPECT_THAT(Claim(resume), HasSubstr("holds the model.safetensors of an earlier training"));
  }
}

TEST_F(RunFolderTest, ABestModelWithoutACheckpointIsKept) {
  AddProvenanceOf("train/train");
  for (const char* kept : {"/best.before_restart.safetensors", "/best.before_restart.2.safetensors"}) {
    Add("best.safetensors");
    EXPECT_EQ(Claim(true), "");
    EXPECT_FALSE(fs::exists(folder_ + "/best.safetensors"));
    EXPECT_TRUE(fs::exists(folder_ + kept));
  }
}

TEST_F(RunFolderTest, WhatKilledTrainingsBeganIsRemoved) {
  AddProvenanceOf("train/train");
  Add("checkpoints/.iteration-00000010.tmp-4194303/half");  // beyond the greatest number of a process
  Add(".model.safetensors.tmp-4194303");
  EXPECT_EQ(Claim(true), "");
  EXPECT_TRUE(fs::is_empty(folder_ + "/checkpoints"));
  EXPECT_FALSE(fs::exists(folder_ + "/.model.safetensors.tmp-4194303"));
}

TEST_F(RunFolderTest, StartWritesWhatTheRunIsAndWhatWasToldBefore) {
  RunFolder run(folder_);
  ASSERT_TRUE(run.Claim(/*resume=*/false).ok());
  ::testing::internal::CaptureStderr();
  run.Tell("the weights are random");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "train: the weights are random\n");
  const absl::Status started = run.Start({"data/manifest.jsonl", "0a1b", {}, /*iteration=*/0, 0, 0});
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(*ReadFile(folder_ + "/messages.txt"), "iteration 0: the weights are random\n");
  EXPECT_THAT(*ReadFile(folder_ + "/provenance.json"), HasSubstr("0a1b"));
  EXPECT_TRUE(fs::exists(folder_ + "/flags.txt"));
  ASSERT_NE(run.log(), nullptr);
  ASSERT_TRUE(run.log()->AddMetrics({{"iteration", 1}, {"loss", 2.5}}).ok());
  EXPECT_EQ(*ReadFile(folder_ + "/metrics.jsonl"), "{\"iteration\":1,\"loss\":2.5}\n");
}

TEST_F(RunFolderTest, AnotherTrainingMustWaitUntilThisOneEnds) {
  {
    RunFolder run(folder_);
    ASSERT_TRUE(run.Claim(/*resume=*/false).ok());
    ASSERT_TRUE(run.Start({"data/manifest.jsonl", "0a1b", {}, 0, 0, 0}).ok());
    RunFolder other(folder_);
    EXPECT_THAT(std::string(other.Claim(/*resume=*/true).message()), HasSubstr("another training is writing this run"));
  }
  RunFolder later(folder_);
  EXPECT_TRUE(later.Claim(/*resume=*/true).ok());
}

TEST_F(RunFolderTest, AnInputThatIsNotThereIsAnErrorThatNamesIt) {
  RunFolder run(folder_);
  ASSERT_TRUE(run.Claim(/*resume=*/false).ok());
  const absl::Status started = run.Start({"data/manifest.jsonl", "0a1b", {"/no/such.safetensors"}, 0, 0, 0});
  EXPECT_THAT(std::string(started.message()), HasSubstr("/no/such.safetensors"));
  EXPECT_EQ(run.log(), nullptr);
}

}  // namespace
}  // namespace hardface::train
