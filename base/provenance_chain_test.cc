#include "base/provenance_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "base/provenance.h"
#include "base/running_tool.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ProvenanceChainTest : public ::testing::Test {
 protected:
  ProvenanceChainTest() : folder_(FreshFolder()) {
    Write("source.txt", "annotations");
    MakeFolder("test/import", "data", {"source.txt"}, "data");
    MakeFile("test/score", "scores.jsonl", {"data/result"});
    MakeFolder("test/select", "hard", {"data/result", "scores.jsonl"}, "hard ones");
  }

  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) { std::ofstream(At(name)) << text; }

  Provenance FromInputs(const std::string& tool, const std::vector<std::string>& inputs) {
    RunningTool().name = tool;
    Provenance provenance;
    for (const std::string& input : inputs) EXPECT_TRUE(provenance.AddInput(At(input)).ok());
    return provenance;
  }

  void MakeFolder(const std::string& tool, const std::string& name, const std::vector<std::string>& inputs,
                  const std::string& text) {
    const Provenance provenance = FromInputs(tool, inputs);
    auto output = AtomicFolder::Create(At(name), Replace::kAlways);
    ASSERT_TRUE(WriteFileAtomically((*output)->temporary_path() + "/result", text).ok());
    ASSERT_TRUE(provenance.WriteInto((*output)->temporary_path()).ok());
    ASSERT_TRUE((*output)->Commit().ok());
  }

  void MakeFile(const std::string& tool, const std::string& name, const std::vector<std::string>& inputs) {
    const Provenance provenance = FromInputs(tool, inputs);
    ASSERT_TRUE(WriteFileAtomically(At(name), "scores").ok());
    ASSERT_TRUE(provenance.WriteBeside(At(name)).ok());
  }

  ChainReport Verify(const std::string& name) {
    const auto report = VerifyChain(At(name), [](const std::string&) { return std::string("tree"); });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : ChainReport();
  }

  const std::string folder_;
};

TEST_F(ProvenanceChainTest, AWholeChainFits) {
  const ChainReport report = Verify("hard");
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_THAT(report.outputs, ElementsAre(HasSubstr("test/select"), HasSubstr("test/import"), HasSubstr("test/score")));
  EXPECT_EQ(report.files, 3);
  EXPECT_EQ(report.inputs, 4);
}

TEST_F(ProvenanceChainTest, WhatNoLongerFitsIsNamedHoweverFarBack) {
  Write("source.txt", "corrected annotations");
  EXPECT_THAT(Verify("hard").findings, ElementsAre(HasSubstr("source.txt: was changed since ")));
  fs::remove(At("source.txt"));
  EXPECT_THAT(Verify("hard").findings, ElementsAre(HasSubstr("source.txt: is gone")));
  Write("source.txt", "annotations");
  Write("hard/notes.txt", "mine");
  EXPECT_THAT(Verify("hard").findings, ElementsAre(HasSubstr("hard/notes.txt: was not written by test/select")));
  fs::remove(At("hard/notes.txt"));
  Write("scores.jsonl", "better scores");
  EXPECT_THAT(Verify("hard").findings,
              ElementsAre(HasSubstr("scores.jsonl: was changed since "), HasSubstr("since test/score wrote it")));
  fs::remove(At("hard/result"));
  EXPECT_THAT(Verify("hard").findings, SizeIs(3));
}

// The dataset was made again from the same source, by other settings: what came after it is of the old one.
TEST_F(ProvenanceChainTest, AnOutputThatWasMadeAgainNoLongerFits) {
  MakeFolder("test/import", "data", {"source.txt"}, "data without flips");
  const ChainReport report = Verify("hard");
  EXPECT_THAT(report.findings, ElementsAre(HasSubstr("data/result: was changed since "), HasSubstr("data/result: ")));
  EXPECT_THAT(Verify("data").findings, IsEmpty());
}

TEST_F(ProvenanceChainTest, RelativeInputsAreFoundFromTheFoldersAround) {
  RunningTool().name = "test/late";
  Provenance provenance;
  provenance.AddHashedInput("hard/results.tar", "tree");
  Write("hard/results.tar", "");
  Write("late.txt", "late");
  ASSERT_TRUE(provenance.WriteBeside(At("late.txt")).ok());
  const ChainReport report = Verify("late.txt");
  EXPECT_THAT(report.findings, ElementsAre(HasSubstr("results.tar: was not written by test/select")));
  EXPECT_THAT(report.outputs, SizeIs(4));
}

TEST_F(ProvenanceChainTest, WhatIsNoOutputIsAnError) {
  const auto none = [](const std::string&) { return std::string(); };
  EXPECT_THAT(std::string(VerifyChain(folder_, none).status().message()), HasSubstr("is no output of these tools"));
  EXPECT_THAT(std::string(VerifyChain(At("none"), none).status().message()), HasSubstr("is not there"));
}

}  // namespace
}  // namespace hardface
