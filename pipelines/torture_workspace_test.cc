#include "pipelines/torture_workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/fresh_folder.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Pair;

// "//data_tools:flip" is data_tools/flip.
std::set<std::string> AllTools() {
  std::set<std::string> tools;
  for (absl::string_view label : absl::StrSplit(std::getenv("TOOLS"), ' ')) {
    absl::ConsumePrefix(&label, "//");
    tools.insert(absl::StrReplaceAll(label, {{":", "/"}}));
  }
  return tools;
}

TEST(TortureWorkspace, KnowsEveryTool) {
  const TortureWorkspace workspace("tools", FreshFolder());
  std::set<std::string> known;
  for (const TortureCase& tried : workspace.Cases()) known.insert(tried.tool);
  for (const std::string& tool : TortureWorkspace::OtherTools()) {
    EXPECT_TRUE(known.insert(tool).second) << tool << " stands in both lists";
  }
  EXPECT_EQ(known, AllTools()) << "a tool of base/tools.bzl needs a case in torture_workspace.cc";
}

// What measures gives other figures each time: its outputs are told apart by their flags, if they are whole.
TEST(TortureWorkspace, SeesWhetherMeasuredOutputsAreWhole) {
  const TortureWorkspace workspace("tools", FreshFolder());
  TortureCase tried;
  tried.outputs = {"out"};
  tried.measures = true;
  EXPECT_TRUE(workspace.Contents(tried).empty());
  fs::create_directory(workspace.At("out"));
  EXPECT_THAT(workspace.Contents(tried), ElementsAre(Pair("out", "no provenance")));
  std::ofstream(workspace.At("out/empty.txt")).flush();
  std::ofstream(workspace.At("out/provenance.json"))
      << R"({"flags":{"sizes":"64x64"},"files":["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty.txt"]})";
  EXPECT_THAT(workspace.Contents(tried), ElementsAre(Pair("out", R"({"sizes":"64x64"})")));
  std::ofstream(workspace.At("out/more.txt")) << "half";
  EXPECT_THAT(workspace.Contents(tried), ElementsAre(Pair("out", "more.txt is not in its provenance")));
  std::ofstream(workspace.At("out/empty.txt")) << "half";
  EXPECT_THAT(workspace.Contents(tried), ElementsAre(Pair("out", "empty.txt is not as its provenance says")));
}

}  // namespace
}  // namespace hardface
