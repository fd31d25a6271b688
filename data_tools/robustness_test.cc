// The real programs under bad conditions: killed in mid-write, a full disk, odd paths. They come from the data
// attribute of this test's target and lie in data_tools/ of its working folder.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/random.h"
#include "data_tools/dataset.h"
#include "data_tools/image_io.h"

namespace hardface {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct Limits {
  int kill_after_ms = -1;       // -1: never
  int64_t max_file_bytes = -1;  // a write beyond fails, as on a full disk; -1: none
};

struct Outcome {
  int exit_code = -1;  // -1: killed
  std::string error;   // stderr
};

[[noreturn]] void BecomeTool(std::vector<std::string> command, const std::string& log, const Limits& limits) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(file, STDERR_FILENO);
  if (limits.max_file_bytes >= 0) {
    signal(SIGXFSZ, SIG_IGN);  // write() then fails instead
    const rlimit limit{static_cast<rlim_t>(limits.max_file_bytes), static_cast<rlim_t>(limits.max_file_bytes)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

Outcome RunTool(std::vector<std::string> command, const Limits& limits = {}) {
  command[0] = "data_tools/" + command[0];
  const std::string log = ::testing::TempDir() + "/tool.log";
  const pid_t child = fork();
  if (child == 0) BecomeTool(command, log, limits);
  if (limits.kill_after_ms >= 0) {
    usleep(static_cast<useconds_t>(limits.kill_after_ms) * 1000);
    kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, *ReadFile(log)};
}

class RobustnessTest : public ::testing::Test {
 protected:
  RobustnessTest()
      : folder_(::testing::TempDir() + "/robust_" + ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  static std::vector<std::string> Synthesize(const std::string& output, int images, int seed) {
    return {"synthesize",
            "--output=" + output,
            absl::StrCat("--images=", images),
            absl::StrCat("--seed=", seed),
            "--width=160",
            "--height=120",
            "--face_px=8,60",
            "--threads=2"};
  }

  const std::string folder_;
};

// At whatever moment a tool dies: the output is the whole of one run, never a mixture or a part.
TEST_F(RobustnessTest, KilledToolsLeaveTheOldOutputOrTheNewOne) {
  const std::string output = folder_ + "/data";
  Random random(1);
  int killed = 0, finished = 0;
  for (int round = 0; round < 14; ++round) {
    const int images = 20 + round;  // tells the runs apart
    const Outcome outcome =
        RunTool(Synthesize(output, images, round), {/*kill_after_ms=*/random.Integer(1, 25) * (round + 1), -1});
    outcome.exit_code == -1 ? ++killed : ++finished;
    if (!fs::exists(output)) continue;
    const auto dataset = ReadDataset(output);
    ASSERT_TRUE(dataset.ok()) << dataset.status();
    const size_t entries = dataset->entries.size();
    EXPECT_GE(entries, 20u);
    EXPECT_THAT(*ReadFile(output + "/provenance.json"), HasSubstr(absl::StrCat("\"images\": \"", entries, "\"")));
    for (const std::string& path : dataset->image_paths) EXPECT_TRUE(ReadImage(path).ok()) << path;
    EXPECT_EQ(std::distance(fs::directory_iterator(output + "/images"), fs::directory_iterator()),
              static_cast<ptrdiff_t>(entries));
  }
  EXPECT_GT(killed, 0);
  EXPECT_EQ(RunTool(Synthesize(output, 25, 1)).exit_code, 0) << "what killed runs left behind does not disturb";
}

TEST_F(RobustnessTest, AFullDiskIsAnErrorAndLeavesTheOldOutput) {
  const std::string output = folder_ + "/data", doubled = folder_ + "/doubled";
  ASSERT_EQ(RunTool(Synthesize(output, 60, 1)).exit_code, 0);
  ASSERT_EQ(RunTool({"flip", "--input=" + output, "--output=" + doubled}).exit_code, 0);
  const std::string before = *ReadFile(doubled + "/manifest.jsonl");
  const Outcome outcome = RunTool({"flip", "--input=" + output, "--output=" + doubled},
                                  {-1, /*max_file_bytes=*/static_cast<int64_t>(before.size()) / 2});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("Error: "));
  EXPECT_THAT(outcome.error, HasSubstr("manifest.jsonl"));
  EXPECT_EQ(*ReadFile(doubled + "/manifest.jsonl"), before);
  for (const char* format : {"coco", "wider", "voc", "yolo"}) {
    const Outcome exported = RunTool({"export", std::string("--format=") + format, "--allow_loss", "--input=" + output,
                                      "--output=" + folder_ + "/x"},
                                     {-1, /*max_file_bytes=*/10});
    EXPECT_EQ(exported.exit_code, 1) << format;
    EXPECT_FALSE(fs::exists(folder_ + "/x")) << format;
  }
  int entries = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) entries += entry.exists();
  EXPECT_EQ(entries, 2) << "no temporary folder stays behind";
}

TEST_F(RobustnessTest, SpacesUnicodeAndLongPathsWork) {
  const std::string odd = folder_ + "/a b/Zürich 雪/" + std::string(140, 'x') + "/" + std::string(140, 'y');
  ASSERT_GT(odd.size(), 300u);
  ASSERT_EQ(RunTool(Synthesize(odd, 3, 1)).exit_code, 0);
  const std::string doubled = odd + " doubled", exported = odd + " voc", again = odd + " again";
  const Outcome flip = RunTool({"flip", "--materialize", "--input=" + odd, "--output=" + doubled});
  EXPECT_EQ(flip.exit_code, 0) << flip.error;
  const Outcome written = RunTool({"export", "--format=voc", "--input=" + odd, "--output=" + exported});
  EXPECT_EQ(written.exit_code, 0) << written.error;
  const Outcome import =
      RunTool({"import", "--format=voc", "--input=" + exported, "--images=" + odd + "/images", "--output=" + again});
  EXPECT_EQ(import.exit_code, 0) << import.error;
  const auto dataset = ReadDataset(again);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries.size(), 3u);
  EXPECT_TRUE(fs::exists(dataset->image_paths[0]));
}

TEST_F(RobustnessTest, ExitCodesTellUsageFromFailure) {
  EXPECT_EQ(RunTool({"import", "--format=nonsense", "--input=x", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunTool({"import", "--format=wider", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunTool({"import", "--format=wider", "--input=/no/such", "--output=" + folder_ + "/y"}).exit_code, 1);
  EXPECT_EQ(RunTool({"synthesize", "--images=0", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunTool({"synthesize", "--images=1", "--face_px=9,8", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunTool({"flip", "--input=" + folder_ + "/none", "--output=" + folder_ + "/y"}).exit_code, 1);
  EXPECT_EQ(RunTool({"export", "--format=coco", "--input=" + folder_ + "/none", "--output=" + folder_}).exit_code, 1);
}

}  // namespace
}  // namespace hardface
