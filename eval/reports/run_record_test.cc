#include "eval/reports/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class RunRecordTest : public ::testing::Test {
 protected:
  RunRecordTest() { folder_ = FreshFolder(); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, text).ok());
  }
  RunRecord Read() {
    auto run = ReadRun(folder_, "a");
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *std::move(run) : RunRecord();
  }

  std::string folder_;
};

TEST_F(RunRecordTest, ATrainingsFolderGivesSettingsCurvesAndWpas) {
  Write("flags.txt", "# made by hand\n--him=true\n\n--data_note=a=b\n");
  Write("metrics.jsonl", "{\"iteration\":10,\"loss\":2}\n");
  Write("difficulty.jsonl",
        "{\"image\":\"a\",\"wpas\":0.25,\"positives\":3,\"iteration\":1}\n"
        "{\"image\":\"b\",\"wpas\":null,\"positives\":0,\"iteration\":1}\n");
  Write("provenance.json",
        "{\"tool\":\"train/train\",\"version\":\"1.2\",\"flags\":{\"him\":\"false\"},\"inputs\":{\"x\":\"0a\"}}");
  const RunRecord run = Read();
  EXPECT_EQ(run.made_by, "train/train 1.2");
  EXPECT_EQ(run.Setting("him"), "true") << "flags.txt stands above the provenance";
  EXPECT_EQ(run.Setting("data_note"), "a=b");
  EXPECT_EQ(run.Setting("no_such"), "");
  EXPECT_THAT(run.inputs, ElementsAre(Pair("x", "0a")));
  ASSERT_TRUE(run.log.has_value());
  EXPECT_EQ(run.log->last_iteration, 10);
  ASSERT_TRUE(run.wpas.has_value());
  EXPECT_THAT(run.wpas->scores, ElementsAre(0.25f));
  EXPECT_EQ(run.wpas->without_positives, 1);
  EXPECT_THAT(run.warnings, IsEmpty());
  EXPECT_THAT(run.files, ::testing::SizeIs(4));
}

TEST_F(RunRecordTest, WithoutFlagsTxtTheProvenanceSaysTheSettings) {
  Write("provenance.json", "{\"tool\":\"eval/dataset\",\"flags\":{\"refits\":\"5\",\"folds\":2}}");
  const RunRecord run = Read();
  EXPECT_EQ(run.Setting("refits"), "5");
  EXPECT_EQ(run.Setting("folds"), "2");
}

TEST_F(RunRecordTest, WhatIsBrokenIsAWarningAndTheRestIsRead) {
  Write("metrics.json", "{ half");
  Write("difficulty.jsonl", "{\"wpas\":1.5}\n{\"wpas\":0.5}\n[1]\n");
  Write("provenance.json", "[]");
  const RunRecord run = Read();
  EXPECT_FALSE(run.scores.has_value());
  ASSERT_TRUE(run.wpas.has_value());
  EXPECT_THAT(run.wpas->scores, ElementsAre(0.5f));
  EXPECT_THAT(run.warnings, ::testing::UnorderedElementsAre(
                                HasSubstr("metrics.json"), HasSubstr("difficulty.jsonl:1: left out"),
                                HasSubstr("difficulty.jsonl:3: left out"), HasSubstr("is no JSON object")));
}

TEST_F(RunRecordTest, PicturesAreSortedAndOtherFilesPassedOver) {
  fs::create_directories(folder_ + "/drawn");
  for (const char* name : {"drawn/2.PNG", "drawn/1.jpg", "drawn/notes.txt"}) Write(name, "x");
  EXPECT_THAT(Read().drawn, ElementsAre(EndsWith("1.jpg"), EndsWith("2.PNG")));
}

TEST_F(RunRecordTest, AFolderOfNothingKnownIsAnErrorThatSaysWhatIsLookedFor) {
  Write("notes.txt", "x");
  const auto empty = ReadRun(folder_, "a");
  EXPECT_EQ(empty.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("there is none of metrics.jsonl"));
  EXPECT_THAT(std::string(ReadRun(folder_ + "/none", "a").status().message()), HasSubstr("is no folder"));
}

TEST(RunNamesTest, AreLastPartsUnlessTheseAreTheSame) {
  EXPECT_THAT(RunNames({"x/a/", "y/b"}), ElementsAre("a", "b"));
  EXPECT_THAT(RunNames({"x/run", "y/run"}), ElementsAre("x/run", "y/run"));
  EXPECT_THAT(RunNames({"..", "b"}), ElementsAre("..", "b"));
}

}  // namespace
}  // namespace hardface::eval
