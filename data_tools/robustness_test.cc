// The real programs under bad conditions: killed in mid-write, a full disk, odd paths. They come from the data
// attribute of this test's target and lie in data_tools/ of its working folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "base/random.h"
#include "base/read_file.h"
#include "base/run_tool.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// RunTool, of a tool of this room.
ToolOutcome RunDataTool(std::vector<std::string> command, const ToolLimits& limits = {}) {
  command[0] = "data_tools/" + command[0];
  return hardface::RunTool(std::move(command), limits);
}

class RobustnessTest : public ::testing::Test {
 protected:
  RobustnessTest() : folder_(FreshFolder()) {}

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
    const ToolOutcome outcome =
        RunDataTool(Synthesize(output, images, round), KilledAfter(random.Integer(1, 25) * (round + 1)));
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
  EXPECT_EQ(RunDataTool(Synthesize(output, 25, 1)).exit_code, 0) << "what killed runs left behind does not disturb";
}

TEST_F(RobustnessTest, AFullDiskIsAnErrorAndLeavesTheOldOutput) {
  const std::string output = folder_ + "/data", doubled = folder_ + "/doubled";
  ASSERT_EQ(RunDataTool(Synthesize(output, 60, 1)).exit_code, 0);
  ASSERT_EQ(RunDataTool({"flip", "--input=" + output, "--output=" + doubled}).exit_code, 0);
  const std::string before = *ReadFile(doubled + "/manifest.jsonl");
  const ToolOutcome outcome = RunDataTool({"flip", "--input=" + output, "--output=" + doubled},
                                          OnAFullDisk(static_cast<int64_t>(before.size()) / 2));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error, HasSubstr("Error: "));
  EXPECT_THAT(outcome.error, HasSubstr("manifest.jsonl"));
  EXPECT_EQ(*ReadFile(doubled + "/manifest.jsonl"), before);
  for (const char* format : {"coco", "wider", "voc", "yolo"}) {
    const ToolOutcome exported = RunDataTool({"export", std::string("--format=") + format, "--allow_loss",
                                              "--input=" + output, "--output=" + folder_ + "/x"},
                                             OnAFullDisk(10));
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
  ASSERT_EQ(RunDataTool(Synthesize(odd, 3, 1)).exit_code, 0);
  const std::string doubled = odd + " doubled", exported = odd + " voc", again = odd + " again";
  const ToolOutcome flip = RunDataTool({"flip", "--materialize", "--input=" + odd, "--output=" + doubled});
  EXPECT_EQ(flip.exit_code, 0) << flip.error;
  const ToolOutcome written = RunDataTool({"export", "--format=voc", "--input=" + odd, "--output=" + exported});
  EXPECT_EQ(written.exit_code, 0) << written.error;
  const ToolOutcome import = RunDataTool(
      {"import", "--format=voc", "--input=" + exported, "--images=" + odd + "/images", "--output=" + again});
  EXPECT_EQ(import.exit_code, 0) << import.error;
  const auto dataset = ReadDataset(again);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries.size(), 3u);
  EXPECT_TRUE(fs::exists(dataset->image_paths[0]));
}

TEST_F(RobustnessTest, ExitCodesTellUsageFromFailure) {
  EXPECT_EQ(RunDataTool({"import", "--format=nonsense", "--input=x", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunDataTool({"import", "--format=wider", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunDataTool({"import", "--format=wider", "--input=/no/such", "--output=" + folder_ + "/y"}).exit_code, 1);
  EXPECT_EQ(RunDataTool({"synthesize", "--images=0", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunDataTool({"synthesize", "--images=1", "--face_px=9,8", "--output=" + folder_ + "/y"}).exit_code, 2);
  EXPECT_EQ(RunDataTool({"split", "--input=x", "--outputs=a,b", "--fractions=0.8,0.9"}).exit_code, 2);
  EXPECT_EQ(RunDataTool({"flip", "--input=" + folder_ + "/none", "--output=" + folder_ + "/y"}).exit_code, 1);
  EXPECT_EQ(RunDataTool({"export", "--format=coco", "--input=" + folder_ + "/none", "--output=" + folder_}).exit_code,
            1);
}

TEST_F(RobustnessTest, ToolsRefuseToReplaceWhatTheyRead) {
  const std::string data = folder_ + "/data", voc = folder_ + "/voc", link = folder_ + "/link";
  ASSERT_EQ(RunDataTool(Synthesize(data, 3, 1)).exit_code, 0);
  ASSERT_EQ(RunDataTool({"export", "--format=voc", "--input=" + data, "--output=" + voc}).exit_code, 0);
  fs::create_directory_symlink("data", link);
  for (const std::string& output : {data, data + "/", link, data + "/images"}) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"flip"},
             {"flip", "--materialize"},
             {"subset"},
             {"augment"},
             {"export", "--format=coco"},
             {"doctor", "--repair"},
             {"split", "--fractions=0.5,0.5", "--outputs=" + folder_ + "/other," + output},
             {"merge", "--inputs=" + data},
             {"import", "--format=voc", "--input=" + voc, "--images=" + data + "/images"}}) {
      std::vector<std::string> whole = command;
      if (command[0] != "merge" && command[0] != "import") whole.push_back("--input=" + data);
      if (command[0] != "split") whole.push_back("--output=" + output);
      const ToolOutcome outcome = RunDataTool(whole);
      EXPECT_EQ(outcome.exit_code, 1) << command[0] << " into " << output;
      EXPECT_THAT(outcome.error, HasSubstr("would replace")) << command[0] << " into " << output;
    }
  }
  EXPECT_EQ(RunDataTool({"import", "--format=voc", "--input=" + voc, "--images=" + data + "/images", "--output=" + voc})
                .exit_code,
            1);
  EXPECT_TRUE(fs::exists(voc + "/000000.xml"));
  EXPECT_EQ(RunDataTool({"doctor", "--input=" + data, "--findings=" + data + "/manifest.jsonl"}).exit_code, 1);
  EXPECT_EQ(RunDataTool({"doctor", "--input=" + data, "--strict"}).exit_code, 0) << "every image is still there";
  EXPECT_FALSE(fs::exists(folder_ + "/other"));
}

TEST_F(RobustnessTest, PathsThatTheSystemRefusesAreErrorsThatNameThem) {
  const std::string data = folder_ + "/data", too_long = folder_ + "/" + std::string(300, 'n');
  ASSERT_EQ(RunDataTool(Synthesize(data, 2, 1)).exit_code, 0);
  std::vector<std::vector<std::string>> commands = {{"flip", "--input=" + too_long, "--output=" + folder_ + "/x"},
                                                    {"flip", "--input=" + data, "--output=" + too_long},
                                                    {"merge", "--inputs=" + data, "--output=" + too_long},
                                                    {"stats", "--input=" + data, "--json=" + too_long},
                                                    {"doctor", "--input=" + data, "--findings=" + too_long},
                                                    {"doctor", "--input=" + too_long, "--flagfile=" + too_long}};
  for (const std::string& format : std::vector<std::string>{"wider", "wider_mat", "retinaface", "voc", "yolo", "coco",
                                                            "odgt", "fddb", "face_eval", "csv", "detections"}) {
    std::vector<std::string> import = {"import", "--format=" + format, "--input=" + too_long,
                                       "--output=" + folder_ + "/x"};
    if (format == "csv") import.push_back("--csv_box=x,y,w,h");
    if (format != "detections") commands.push_back(import);  // which needs --images
    import.push_back("--images=" + data);
    commands.push_back(import);
  }
  for (const std::vector<std::string>& command : commands) {
    const ToolOutcome outcome = RunDataTool(command);
    EXPECT_TRUE(outcome.exit_code == 1 || outcome.exit_code == 2) << command[0] << " " << command[1];
    EXPECT_THAT(outcome.error, HasSubstr(std::string(300, 'n'))) << command[0] << " " << command[1];
  }
}

// Nothing is ever written under a name that the disk does not know.
TEST_F(RobustnessTest, PathsThatAreNotUtf8AreFoundOrAreErrors) {
  const std::string photos = folder_ + "/caf\xe9", file = folder_ + "/photos/ann\xe9.jpg";
  const cv::Mat pixels(20, 30, CV_8UC3, cv::Scalar(9, 9, 9));
  ASSERT_TRUE(WriteJpeg(file, pixels).ok());
  ASSERT_TRUE(WriteJpeg(photos + "/plain.jpg", pixels).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/gt.csv", "image,x,y,w,h\nann\xe9.jpg,1,2,3,4\n").ok());
  ASSERT_TRUE(WriteFileAtomically(photos + "/gt.csv", "image,x,y,w,h\nplain.jpg,1,2,3,4\n").ok());
  const std::vector<std::string> import = {"import", "--format=csv", "--csv_box=x,y,w,h", "--output=" + folder_ + "/x"};
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = import;
    command.insert(command.end(), more.begin(), more.end());
    return RunDataTool(command);
  };
  const ToolOutcome name = run({"--input=" + folder_ + "/gt.csv", "--images=" + folder_ + "/photos"});
  EXPECT_EQ(name.exit_code, 1);
  EXPECT_THAT(name.error, HasSubstr("ann\xe9.jpg: the image's path is not UTF-8"));
  EXPECT_THAT(name.error, HasSubstr("rename the file"));
  EXPECT_EQ(run({"--input=" + folder_ + "/gt.csv", "--images=" + folder_ + "/photos", "--on_error=skip"}).exit_code, 0);
  const ToolOutcome root = run({"--input=" + photos + "/gt.csv", "--images=" + photos});
  EXPECT_EQ(root.exit_code, 1);
  EXPECT_THAT(root.error, HasSubstr("rename the folder"));
  // A dataset that lies wholly in such a folder needs no such name.
  const ToolOutcome drawn = RunDataTool(Synthesize(photos + "/data", 2, 1));
  EXPECT_EQ(drawn.exit_code, 0) << drawn.error;
  const ToolOutcome flipped = RunDataTool({"flip", "--input=" + photos + "/data", "--output=" + photos + "/doubled"});
  EXPECT_EQ(flipped.exit_code, 0) << flipped.error;
  EXPECT_TRUE(fs::exists(ReadDataset(photos + "/doubled")->image_paths[3]));
  const ToolOutcome away = RunDataTool({"flip", "--input=" + photos + "/data", "--output=" + folder_ + "/doubled"});
  EXPECT_EQ(away.exit_code, 1);
  EXPECT_THAT(away.error, HasSubstr("rename the folder"));
}

TEST_F(RobustnessTest, WhatCannotBePrintedIsAnError) {
  const std::string data = folder_ + "/data";
  ASSERT_EQ(RunDataTool(Synthesize(data, 2, 1)).exit_code, 0);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"stats", "--input=" + data}, {"doctor", "--help"}}) {
    ToolLimits full_disk;
    full_disk.stdout_file = "/dev/full";
    const ToolOutcome outcome = RunDataTool(command, full_disk);
    EXPECT_EQ(outcome.exit_code, 1) << command[0];
    EXPECT_THAT(outcome.error, HasSubstr("standard output"));
  }
}

TEST_F(RobustnessTest, SingleFileOutputsHaveAProvenance) {
  const std::string data = folder_ + "/data", json = folder_ + "/stats.json";
  ASSERT_EQ(RunDataTool(Synthesize(data, 2, 1)).exit_code, 0);
  ASSERT_EQ(RunDataTool({"stats", "--input=" + data, "--json=" + json}).exit_code, 0);
  EXPECT_THAT(*ReadFile(json + ".provenance.json"), HasSubstr("\"tool\": \"data_tools/stats\""));
  EXPECT_THAT(*ReadFile(json + ".provenance.json"), HasSubstr(data + "/manifest.jsonl"));
}

}  // namespace
}  // namespace hardface::data
