// Tests of tool_main. The file's name ends in _flags.cc because that is what marks flags as a tool's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <thread>

#include "absl/flags/flag.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/read_file.h"
#include "base/tool_main.h"

ABSL_FLAG(int, iterations, 10, "A number.");
ABSL_FLAG(bool, mirror, false, "A switch.");
ABSL_FLAG(std::string, dataset, "", "A path.");
ABSL_FLAG(std::string, output, "", "Another path.");
ABSL_FLAG(int, threads, 0, "Threads.");

namespace hardface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<std::string>> Parse(std::vector<std::string> tokens, std::string arguments = "") {
  tokens.insert(tokens.begin(), "tool");
  std::vector<char*> argv;
  for (std::string& token : tokens) argv.push_back(token.data());
  return ParseToolFlags(static_cast<int>(argv.size()), argv.data(),
                        {"test/tool", "Does things.", arguments, ToolPaths::None(), {{"rounds", "iterations"}}});
}

TEST(ParseToolFlagsTest, UnderstandsEveryForm) {
  const auto rest = Parse({"--iterations=7", "-dataset", "a b", "--mirror", "x", "--", "--y"}, "[FILES]");
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_THAT(*rest, ElementsAre("x", "--y"));
  EXPECT_EQ(absl::GetFlag(FLAGS_iterations), 7);
  EXPECT_EQ(absl::GetFlag(FLAGS_dataset), "a b");
  EXPECT_TRUE(absl::GetFlag(FLAGS_mirror));
  ASSERT_TRUE(Parse({"--nomirror"}).ok());
  EXPECT_FALSE(absl::GetFlag(FLAGS_mirror));
  EXPECT_EQ(RunningTool().flags["iterations"], "7");
}

TEST(ParseToolFlagsTest, ThreadsAreNotBelowZero) {
  const auto result = Parse({"--threads=-3"});
  EXPECT_TRUE(IsUsageError(result.status()));
  EXPECT_EQ(result.status().message(), "--threads=-3: give a number of threads, or 0 for all processors");
  EXPECT_TRUE(Parse({"--threads=0"}).ok());
}

TEST(ParseToolFlagsTest, UnknownFlagIsAUsageErrorWithAHint) {
  const auto result = Parse({"--iteration=7"});
  EXPECT_TRUE(IsUsageError(result.status()));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("--iterations?"));
}

TEST(ParseToolFlagsTest, ARenamedFlagsOldNameIsAnErrorThatGivesTheNewOne) {
  absl::SetFlag(&FLAGS_iterations, 10);
  const auto result = Parse({"--rounds=7"});
  EXPECT_TRUE(IsUsageError(result.status()));
  EXPECT_EQ(result.status().message(), "--rounds is now called --iterations; write --iterations=7");
  EXPECT_EQ(Parse({"--rounds", "7"}).status().message(), "--rounds is now called --iterations; write --iterations");
  const std::string path = ::testing::TempDir() + "/old.flags";
  ASSERT_TRUE(WriteFileAtomically(path, "--mirror\n--rounds=8\n").ok());
  EXPECT_EQ(Parse({"--flagfile=" + path}).status().message(),
            path + ":2: --rounds is now called --iterations; write --iterations=8");
  EXPECT_EQ(absl::GetFlag(FLAGS_iterations), 10);
}

TEST(ParseToolFlagsTest, BadValueNamesFlagAndValue) {
  const auto result = Parse({"--iterations=many"});
  EXPECT_TRUE(IsUsageError(result.status()));
  EXPECT_EQ(result.status().message(), "--iterations=many is not a valid value. A number.");
}

TEST(ParseToolFlagsTest, MissingValueAndStrayArgumentAreUsageErrors) {
  EXPECT_TRUE(IsUsageError(Parse({"--dataset"}).status()));
  EXPECT_TRUE(IsUsageError(Parse({"stray"}).status()));
}

TEST(ParseToolFlagsTest, FlagFileSetsFlagsAndErrorsNameItsLine) {
  const std::string path = ::testing::TempDir() + "/recipe.flags";
  ASSERT_TRUE(WriteFileAtomically(path, "# a comment\n\n  --iterations=5\n--dataset=from file\n").ok());
  ASSERT_TRUE(Parse({"--flagfile=" + path, "--iterations=6"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_iterations), 6);
  EXPECT_EQ(absl::GetFlag(FLAGS_dataset), "from file");

  ASSERT_TRUE(WriteFileAtomically(path, "\xef\xbb\xbf--iterations=8\r\n").ok());  // as a Windows editor saves it
  ASSERT_TRUE(Parse({"--flagfile=" + path}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_iterations), 8);

  ASSERT_TRUE(WriteFileAtomically(path, "--iterations=5\n--wrong=1\n").ok());
  const auto result = Parse({"--flagfile=" + path});
  EXPECT_TRUE(IsUsageError(result.status()));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("recipe.flags:2"));
  EXPECT_TRUE(IsUsageError(Parse({"--flagfile=/no/such.flags"}).status()));
  // Bash's --flagfile=<(COMMAND).
  const std::string pipe = path + ".pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&pipe] { std::ofstream(pipe) << "--iterations=8\n"; });
  EXPECT_TRUE(Parse({"--flagfile=" + pipe}).ok());
  writer.join();
}

TEST(ParseToolFlagsTest, FlagFileThatIncludesItselfEnds) {
  const std::string path = ::testing::TempDir() + "/loop.flags";
  ASSERT_TRUE(WriteFileAtomically(path, "--flagfile=" + path + "\n").ok());
  EXPECT_TRUE(IsUsageError(Parse({"--flagfile=" + path}).status()));
}

TEST(ToolMainTest, ExitCodes) {
  char name[] = "tool";
  char* argv[] = {name, nullptr};
  const ToolInfo info{"test/tool", "Does things.", "", ToolPaths::None()};
  EXPECT_EQ(ToolMain(1, argv, info, [](auto&) { return absl::OkStatus(); }), 0);
  EXPECT_EQ(ToolMain(1, argv, info, [](auto&) { return absl::NotFoundError("x"); }), 1);
  EXPECT_EQ(ToolMain(1, argv, info, [](auto&) { return RequireFlag("dataset", ""); }), 2);
}

TEST(ToolMainTest, AnOutputThatCannotBeReplacedIsRefusedBeforeTheWork) {
  const std::string path = ::testing::TempDir() + "/thesis.tex";
  ASSERT_TRUE(WriteFileAtomically(path, "years of work").ok());
  char name[] = "tool", overwrite[] = "--overwrite";
  char* argv[] = {name, overwrite, nullptr};
  const ToolInfo info{"test/tool", "Does things.", "", {{"output", kWrites, PathForm::kOne, path}}};
  int runs = 0;
  const auto run = [&](auto&) {
    ++runs;
    return absl::OkStatus();
  };
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ToolMain(1, argv, info, run), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("--overwrite"));
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(ToolMain(2, argv, info, run), 0);
  EXPECT_EQ(ToolMain(2, argv, ToolInfo{"test/tool", "Does things.", "", ToolPaths::None()}, run), 2)
      << "for tools that write only";
  EXPECT_EQ(runs, 1);
}

TEST(ToolMainTest, AnInputThatIsALinkToNothingIsSaidToBe) {
  const std::string link = ::testing::TempDir() + "/link_to_nothing";
  std::filesystem::remove(link);
  std::filesystem::create_symlink("an old disk", link);
  char name[] = "tool";
  char* argv[] = {name, nullptr};
  const ToolInfo info{"test/tool", "Does things.", "", {{"dataset", kReadsDataset, PathForm::kOne, link}}};
  absl::SetFlag(&FLAGS_dataset, "");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ToolMain(1, argv, info, [](auto&) { return absl::OkStatus(); }), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("is a link to an old disk, and nothing is there"));
}

TEST(ToolMainTest, AnInputThatIsAPipeIsRefused) {
  const std::string pipe = ::testing::TempDir() + "/input_pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  char name[] = "tool";
  char* argv[] = {name, nullptr};
  absl::SetFlag(&FLAGS_dataset, "");
  for (const PathUse use : {kReadsFile, kReadsFolder, kReadsDataset, kReadsImages}) {
    const ToolInfo info{"test/tool", "Does things.", "", {{"dataset", use, PathForm::kOne, pipe}}};
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(ToolMain(1, argv, info, [](auto&) { return absl::OkStatus(); }), use == kReadsImages ? 0 : 1);
    EXPECT_EQ(::testing::internal::GetCapturedStderr().empty(), use == kReadsImages);
  }
}

TEST(ToolMainTest, OutputsNeedPlacesOfTheirOwn) {
  char name[] = "tool";
  char* argv[] = {name, nullptr};
  const std::string folder = ::testing::TempDir() + "/places";
  const auto apart = [&](const std::string& a, const std::string& b) {
    const ToolInfo info{
        "test/tool",
        "Does things.",
        "",
        {{"output", kWrites, PathForm::kOne, folder + a}, {"dataset", kWrites, PathForm::kOne, folder + b}}};
    return ToolMain(1, argv, info, [](auto&) { return absl::OkStatus(); });
  };
  absl::SetFlag(&FLAGS_dataset, "");
  EXPECT_EQ(apart("/a", "/b"), 0);
  EXPECT_EQ(apart("/a", "/a"), 2);
  EXPECT_EQ(apart("/a", "/x/../a/b"), 2);
}

TEST(HashFileTest, IsSha256) {
  const std::string path = ::testing::TempDir() + "/abc";
  ASSERT_TRUE(WriteFileAtomically(path, "abc").ok());
  EXPECT_EQ(*HashFile(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ToolMainTest, ExceptionsAreErrorsAndTemporaryFoldersAreRemoved) {
  char name[] = "tool";
  char* argv[] = {name, nullptr};
  const std::string output = ::testing::TempDir() + "/exceptions/out";
  const ToolInfo info{"test/tool", "Does things.", "", {{"output", kWrites, PathForm::kOne, output}}};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ToolMain(1, argv, info,
                     [&](auto&) -> absl::Status {
                       const auto folder = AtomicFolder::Create(output);
                       throw std::bad_alloc();
                     }),
            1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("Error: out of memory"));
  EXPECT_TRUE(std::filesystem::is_empty(::testing::TempDir() + "/exceptions"));
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ToolMain(1, argv, info, [](auto&) -> absl::Status { throw std::runtime_error("odd"); }), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("odd"));
}

TEST(ProvenanceTest, FlagsNeedNotBeUtf8) {
  const std::string folder = ::testing::TempDir() + "/latin1_flags";
  ASSERT_TRUE(Parse({"--dataset=caf\xe9"}).ok());
  ASSERT_TRUE(Provenance().WriteInto(folder).ok());
  EXPECT_THAT(*ReadFile(folder + "/provenance.json"), HasSubstr("caf\xef\xbf\xbd"));
}

}  // namespace
}  // namespace hardface
