// No tool's output harms what it did not make. The real programs, all of base/tools.bzl: each says in its --help which
// flags name what it reads and what it writes, and each pair of these is tried. They come from the data attribute of
// this test's target, which is the list of all tools.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/fresh_folder.h"
#include "base/read_file.h"
#include "base/run_tool.h"
#include "base/sha256.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Every file below FOLDER with its hash, every link with its target.
std::map<std::string, std::string> Contents(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    contents[path] = entry.is_symlink()        ? "-> " + fs::read_symlink(path).string()
                     : entry.is_regular_file() ? *HashFile(path)
                                               : "";
  }
  return contents;
}

void AddFile(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

class OutputsTest : public ::testing::Test {
 protected:
  OutputsTest() : folder_(FreshFolder()) {}

  std::string At(const std::string& name) const { return folder_ + "/" + name; }

  void RemoveOutputs() {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename().string().find("out.html") != std::string::npos) fs::remove_all(entry.path());
    }
  }

  // A dataset of drawn images.
  std::string Draw(const std::string& name, int images = 3) {
    const ToolOutcome outcome =
        RunTool({"data_tools/synthesize", "--output=" + At(name), absl::StrCat("--images=", images), "--width=96",
                 "--height=96", "--face_px=12,60", "--threads=1"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    return At(name);
  }

  void ExpectDone(const std::vector<std::string>& command, const ToolLimits& limits = {}) {
    const ToolOutcome outcome = RunTool(command, limits);
    EXPECT_EQ(outcome.exit_code, 0) << absl::StrJoin(command, " ") << "\n" << outcome.output;
  }

  // The tool says why not, and nothing below the test's folder is other than before.
  void ExpectRefused(const std::vector<std::string>& command, const std::string& reason,
                     const ToolLimits& limits = {}) {
    const auto before = Contents(folder_);
    const ToolOutcome outcome = RunTool(command, limits);
    EXPECT_THAT(outcome.exit_code, AnyOf(1, 2)) << absl::StrJoin(command, " ");
    const bool can_say_so = limits.max_file_bytes < 0;  // what it says goes to a file, too
    if (can_say_so) {
      EXPECT_THAT(outcome.output, AllOf(HasSubstr("Error: "), HasSubstr(reason))) << absl::StrJoin(command, " ");
    }
    EXPECT_EQ(Contents(folder_), before) << absl::StrJoin(command, " ");
  }

  const std::string folder_;
};

struct PathFlags {
  std::vector<std::pair<std::string, std::string>> reads;  // flag, what
  std::vector<std::string> writes;
};

PathFlags PathFlagsOf(const std::string& tool) {
  const ToolOutcome help = RunTool({tool, "--help"});
  EXPECT_EQ(help.exit_code, 0) << tool << help.output;
  PathFlags flags;
  const std::regex line("  --([a-z_]+)  .*\\[(reads: ([a-z ]+)|writes)\\]");
  std::smatch match;
  for (const std::string& text : std::vector<std::string>(absl::StrSplit(help.output, '\n'))) {
    if (!std::regex_match(text, match, line)) continue;
    if (match[2] == "writes") {
      flags.writes.push_back(match[1]);
    } else {
      flags.reads.emplace_back(match[1], match[3]);
    }
  }
  return flags;
}

std::vector<std::string> AllTools() { return absl::StrSplit(std::getenv("TOOLS"), ' '); }

// "//data_tools:flip" -> "data_tools/flip".
std::string ProgramOf(std::string label) {
  label.erase(0, 2);
  std::replace(label.begin(), label.end(), ':', '/');
  return label;
}

// The names under which OUTPUT may stand for, or hold, or lie in INPUT, which is in the folder in/ beside link -> in.
std::vector<std::string> HarmfulNames(const std::string& folder, const std::string& input, bool is_folder) {
  const std::string name = fs::path(input).filename().string();
  std::vector<std::string> names = {input,
                                    folder + "/in/../in/" + name,
                                    folder + "/link/" + name,
                                    folder + "/./in//" + name,
                                    folder + "/none/../in/" + name,
                                    folder + "/in",
                                    folder + "/link",
                                    folder};
  if (!is_folder) {
    names.push_back(folder + "/hard");
    return names;
  }
  for (const char* inside : {"/", "/out", "/images", "/images/deep/out", "/../"}) names.push_back(input + inside);
  names.push_back(folder + "/link/" + name + "/out");
  return names;
}

TEST_F(OutputsTest, EachToolSparesEachInputUnderEachName) {
  const std::string dataset = Draw("in/dataset"), images = At("in/images"), file = At("in/file");
  fs::copy(dataset + "/images", images);
  fs::create_directories(images + "/images");
  AddFile(file, "read by a tool");
  fs::create_directory_symlink("in", At("link"));
  fs::create_hard_link(file, At("hard"));
  const std::map<std::string, std::pair<std::string, bool>> inputs = {{"file", {file, false}},
                                                                      {"folder or file", {dataset, true}},
                                                                      {"dataset", {dataset, true}},
                                                                      {"images", {images, true}}};
  int pairs = 0;
  const auto before = Contents(folder_);
  for (const std::string& label : AllTools()) {
    const std::string tool = ProgramOf(label);
    const PathFlags flags = PathFlagsOf(tool);
    for (const auto& [read, what] : flags.reads) {
      const auto& [input, is_folder] = inputs.at(what);
      for (const std::string& write : flags.writes) {
        ++pairs;
        for (const std::string& output : HarmfulNames(folder_, input, is_folder)) {
          for (const bool overwrite : {false, true}) {
            const std::string named = tool == "eval/plot" ? "name=" + input : input;
            std::vector<std::string> command = {tool, "--" + read + "=" + named, "--" + write + "=" + output};
            if (overwrite) command.push_back("--overwrite");
            const ToolOutcome outcome = RunTool(command);
            EXPECT_EQ(outcome.exit_code, 1) << absl::StrJoin(command, " ") << outcome.output;
            EXPECT_THAT(outcome.output, HasSubstr("which is read; nothing was written")) << absl::StrJoin(command, " ");
          }
        }
        // Nothing is refused beside them. (What the tool goes on to do is of no interest here.)
        const std::vector<std::string> fine = {tool, "--" + read + "=" + input, "--" + write + "=" + At("out.html")};
        EXPECT_THAT(RunTool(fine, KilledAfter(300)).output, Not(HasSubstr("which is read")))
            << absl::StrJoin(fine, " ");
        RemoveOutputs();
      }
    }
    ASSERT_EQ(Contents(folder_), before) << tool;
  }
  EXPECT_GT(pairs, 45);
}

// A flag that names a path by its name, but stands in no table.
TEST_F(OutputsTest, NoToolForgetsAFlag) {
  const std::regex known(
      "  --(input|inputs|output|outputs|dataset|detections|model|images|annotations|ledger|init|teacher)  .*");
  for (const std::string& label : AllTools()) {
    const ToolOutcome help = RunTool({ProgramOf(label), "--help"});
    for (const std::string& text : std::vector<std::string>(absl::StrSplit(help.output, '\n'))) {
      const bool no_path = text.find("Number of images") != std::string::npos ||
                           text.find("RE2 pattern") != std::string::npos || text.find("How far") != std::string::npos;
      if (!std::regex_match(text, known) || no_path) continue;
      EXPECT_THAT(text, AnyOf(HasSubstr("[reads: "), HasSubstr("[writes]"))) << label;
    }
  }
}

// --help of every tool: the summary and each flag's text begin with a capital letter or a digit and end with a full
// stop (an aside in parentheses may hold it).
TEST_F(OutputsTest, HelpIsWrittenInFullSentences) {
  const std::regex sentence("[A-Z0-9].*\\.\\)?");
  const std::regex trailer("( \\(default: .*\\))?( \\[(reads: [a-z ]+|writes)\\])?$");
  int flags = 0;
  for (const std::string& label : AllTools()) {
    const ToolOutcome help = RunTool({ProgramOf(label), "--help"});
    for (const std::string& text : std::vector<std::string>(absl::StrSplit(help.output, '\n'))) {
      const size_t help_at = absl::StartsWith(text, "  --") ? text.find("  ", 2) : std::string::npos;
      if (help_at == std::string::npos) continue;
      ++flags;
      const std::string words = std::regex_replace(text.substr(help_at + 2), trailer, "");
      EXPECT_TRUE(std::regex_match(words, sentence)) << label << ": " << text;
    }
    const std::string summary = help.output.substr(0, help.output.find('\n'));
    EXPECT_TRUE(std::regex_match(summary, std::regex("[a-z_/]+: [A-Z].*\\."))) << label << ": " << summary;
  }
  EXPECT_GT(flags, 200);
}

// Annotations beside the photographs, put together and written again: the export must stay in its folder.
TEST_F(OutputsTest, ExportsOfMergedDatasetsDoNotWriteOverTheUsersAnnotations) {
  for (const std::string part : {"a", "b"}) {
    const std::string drawn = Draw("drawn_" + part);
    ExpectDone({"data_tools/export", "--format=voc", "--input=" + drawn, "--output=" + At("voc_" + part)});
    fs::create_directories(At(part));
    for (const auto& image : fs::directory_iterator(drawn + "/images")) {
      const std::string stem = part + image.path().stem().string();
      fs::copy(image.path(), At(part + "/" + stem + ".jpg"));
      std::string xml = *ReadFile(At("voc_" + part + "/" + image.path().stem().string() + ".xml"));
      AddFile(At(part + "/" + stem + ".xml"),
              std::regex_replace(xml, std::regex(image.path().filename().string()), stem + ".jpg"));
      AddFile(At(part + "/" + stem + ".txt"), "0 0.5 0.5 0.25 0.25\n");
    }
    ExpectDone({"data_tools/import", "--format=voc", "--input=" + part, "--output=set_" + part}, StartedIn(folder_));
  }
  ExpectDone({"data_tools/merge", "--inputs=set_a,set_b", "--output=both"}, StartedIn(folder_));
  EXPECT_THAT(*ReadFile(At("both/manifest.jsonl")), HasSubstr("\"../a/"));
  const auto a = Contents(At("a")), b = Contents(At("b"));
  for (const std::string format : {"voc", "yolo", "coco", "wider"}) {
    const ToolOutcome outcome = RunTool(
        {"data_tools/export", "--allow_loss", "--format=" + format, "--input=" + At("both"), "--output=" + At(format)});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
    EXPECT_EQ(Contents(At("a")), a) << format;
    EXPECT_EQ(Contents(At("b")), b) << format;
    const bool renames = format == "voc" || format == "yolo";
    EXPECT_EQ(fs::exists(At(format + "/renamed.jsonl")), renames) << format;
    EXPECT_EQ(outcome.output.find("renamed.jsonl") != std::string::npos, renames) << format;
  }
  EXPECT_TRUE(fs::exists(At("voc/up/a/a000000.xml")));
  EXPECT_TRUE(fs::exists(At("yolo/up/b/b000000.txt")));
  ExpectDone({"data_tools/flip", "--materialize", "--input=" + At("both"), "--output=" + At("flipped")});
  EXPECT_EQ(Contents(At("a")), a);
}

TEST_F(OutputsTest, ImagesOutsideOfTheDatasetAreInputsToo) {
  const std::string drawn = Draw("drawn");
  fs::rename(drawn + "/images", At("photos"));
  std::string manifest = *ReadFile(drawn + "/manifest.jsonl");
  const auto use_root = [&](const std::string& root) {
    AddFile(At("data/manifest.jsonl"), std::regex_replace(manifest, std::regex("\"images\""), "\"" + root + "\""));
  };
  const auto commands = [&](const std::string& output) {
    return std::vector<std::vector<std::string>>{
        {"data_tools/flip", "--input=" + At("data"), "--output=" + output},
        {"data_tools/export", "--format=coco", "--input=" + At("data"), "--output=" + output},
        {"data_tools/stats", "--input=" + At("data"), "--json=" + output},
        {"infer/detect", "--dataset=" + At("data"), "--output=" + output, "--pyramid=32"}};
  };
  for (const std::string& root : {std::string("../photos"), At("photos")}) {
    use_root(root);
    for (const std::string& output : {At("photos"), At("photos/out"), At("data/out"), folder_}) {
      const std::string reason = output == At("photos") ? "is no output of these tools" : "which is read";
      for (auto& command : commands(output)) ExpectRefused(command, reason);
    }
  }
  // Images that the tool itself wrote, for another dataset than this one.
  use_root("images");
  fs::copy(At("photos"), At("data/images"));
  ExpectDone({"data_tools/flip", "--materialize", "--input=" + At("data"), "--output=" + At("flipped")});
  fs::remove_all(At("data/images"));
  use_root("../flipped/flipped");
  for (const char* more : {"--overwrite", "--materialize"}) {
    ExpectRefused({"data_tools/flip", more, "--input=" + At("data"), "--output=" + At("flipped")}, "which is read");
  }
  use_root("..");  // the images' folder is the one where everything lies
  AddFile(At("data/manifest.jsonl"),
          std::regex_replace(*ReadFile(At("data/manifest.jsonl")), std::regex("\"image\":\""), "\"image\":\"photos/"));
  for (auto& command : commands(At("out"))) {
    ExpectDone(command);
    fs::remove_all(At("out"));
  }
}

TEST_F(OutputsTest, ScorersReplaceNothingThatTheyRead) {
  const std::string data = Draw("data");
  ExpectDone({"infer/detect", "--dataset=" + data, "--output=" + At("found"), "--pyramid=32", "--score_threshold=0"});
  const std::vector<std::string> score = {"eval/dataset", "--dataset=" + data, "--detections=" + At("found")};
  const auto into = [&](const std::string& output) {
    std::vector<std::string> command = score;
    command.push_back("--output=" + output);
    return command;
  };
  ExpectRefused(into(data), "which is read");
  ExpectRefused(into(At("found")), "which is read");
  AddFile(At("run/provenance.json"), "{\"tool\":\"eval/dataset\",\"files\":[]}");
  AddFile(At("run/checkpoints/iteration-00000010/state.json"), "{}");
  ExpectRefused(into(At("run")), "checkpoints");
  ExpectDone(into(At("score")));
  ExpectDone(into(At("score")));
  AddFile(At("score/conclusions.md"), "mine");
  ExpectRefused(into(At("score")), "conclusions.md");
  // Inputs that only a file names.
  fs::remove(At("score/conclusions.md"));
  std::vector<std::string> outcomes = into(At("score"));
  outcomes.push_back("--outcomes");
  ExpectDone(outcomes);
  AddFile(At("results.csv"),
          absl::StrCat("table,test_set,variant,seed,baseline,scores\nt,s,v,1,v,", At("score"), "\n"));
  for (const char* output : {"score", "score/out"}) {
    ExpectRefused({"eval/ablation_table", "--results=" + At("results.csv"), "--output=" + At(output), "--overwrite"},
                  "which is read");
  }
  ExpectDone({"eval/ablation_table", "--results=" + At("results.csv"), "--output=" + At("table"), "--bootstrap=10"});
}

TEST_F(OutputsTest, MiningAndTrainingSpareDatasetsModelsAndRuns) {
  const std::string data = Draw("data"), other = Draw("other");
  const std::vector<std::string> train = {
      "train/train",        "--dataset=" + data, "--width_divisor=16", "--initialization=he", "--early_rate=1",
      "--input_divisor=64", "--short_sides=64",  "--iterations=2",     "--threads=1",         "--device=cpu"};
  const auto into = [&](const std::string& output, std::vector<std::string> more = {}) {
    more.insert(more.begin(), train.begin(), train.end());
    more.push_back("--output=" + output);
    return more;
  };
  AddFile(At("thesis/thesis.tex"), "years of work");
  ExpectRefused(into(data), "which is read");
  ExpectRefused(into(other), "was written by data_tools/synthesize");
  ExpectRefused(into(At("thesis")), "no provenance.json says");
  ExpectRefused(into(At("thesis/thesis.tex")), "is a file");
  ExpectDone(into(At("run")));
  ExpectRefused(into(At("run")), "--resume");
  ExpectDone({"train/train", "--flagfile=" + At("run/flags.txt"), "--resume", "--iterations=3"});
  fs::remove_all(At("run/checkpoints"));
  ExpectRefused(into(At("run")), "none of its checkpoints");
  ExpectRefused(into(At("run"), {"--resume"}), "none of its checkpoints");

  const std::string model = At("run/model.safetensors");
  const std::vector<std::string> score = {"mining/score", "--model=" + model, "--dataset=" + data, "--short_side=64"};
  const auto scores = [&](const std::string& output) {
    std::vector<std::string> command = score;
    command.push_back("--output=" + output);
    return command;
  };
  for (const std::string& output : {model, data + "/manifest.jsonl", data + "/images/000000.jpg"}) {
    ExpectRefused(scores(output), "which is read");
  }
  ExpectRefused(scores(At("run/metrics.jsonl")), "exists, and no ");
  ExpectRefused(scores(At("thesis/thesis.tex")), "exists, and no ");
  ExpectRefused(scores(other + "/manifest.jsonl"), "exists, and no ");
  ExpectDone(scores(At("scores.jsonl")));
  ExpectDone(scores(At("scores.jsonl")));
  ExpectRefused({"model/convert", "--input=" + model, "--output=" + model}, "which is read");
  ExpectDone({"model/convert", "--input=" + model, "--output=" + At("copy.safetensors")});
  ExpectDone({"model/convert", "--input=" + model, "--output=" + At("copy.safetensors")});
  ExpectRefused({"model/convert", "--input=" + At("copy.safetensors"), "--output=" + model, "--overwrite"},
                "belongs to the output folder");
}

TEST_F(OutputsTest, OwnFilesInAnOutputFolderAreKept) {
  const std::string data = Draw("data");
  const std::vector<std::vector<std::string>> commands = {
      {"data_tools/flip", "--input=" + data},
      {"data_tools/augment", "--input=" + data, "--short_sides=64"},
      {"data_tools/export", "--format=voc", "--input=" + data},
      {"infer/detect", "--dataset=" + data, "--pyramid=32", "--draw", "--format=wider,jsonl"},
      {"data_tools/synthesize", "--images=2"}};
  for (size_t i = 0; i < commands.size(); ++i) {
    std::vector<std::string> command = commands[i];
    const std::string output = At(absl::StrCat("out", i));
    command.push_back("--output=" + output);
    ExpectDone(command);
    ExpectDone(command);
    AddFile(output + "/mine/notes.txt", "mine");
    ExpectRefused(command, "mine/notes.txt");
    ExpectRefused({"data_tools/subset", "--input=" + data, "--output=" + output}, "Error: ");
    fs::remove_all(output + "/mine");
    ExpectDone(command);
  }
}

TEST_F(OutputsTest, FlagFilesAreInputs) {
  AddFile(At("recipe.flags"), "--images=2\n--output=" + At("recipe.flags") + "\n");
  ExpectRefused({"data_tools/synthesize", "--flagfile=" + At("recipe.flags"), "--overwrite"}, "which is read");
}

TEST_F(OutputsTest, DetectDrawsIntoItsFolderTwice) {
  const std::string data = Draw("data");
  for (const char* round : {"first", "second"}) {
    const ToolOutcome outcome = RunTool({"infer/detect", "--draw", "--pyramid=32", "."}, StartedIn(data + "/images"));
    EXPECT_EQ(outcome.exit_code, 0) << round << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("images=3 ")) << round;
  }
  ExpectRefused({"infer/detect", "--pyramid=32", data + "/images", "--output=" + data + "/images/deep/found"},
                "would lie in");
}

TEST_F(OutputsTest, AFullDiskAndAFolderWithoutRightsLeaveTheOldOutput) {
  const std::string data = Draw("data");
  const std::vector<std::vector<std::string>> commands = {
      {"data_tools/flip", "--input=" + data, "--output=" + At("out")},
      {"data_tools/stats", "--input=" + data, "--json=" + At("stats.json")},
      {"infer/detect", "--dataset=" + data, "--pyramid=32", "--output=" + At("found")}};
  for (const std::vector<std::string>& command : commands) {
    ExpectDone(command);
    ExpectRefused(command, "", OnAFullDisk(64));
    ExpectDone(command);
  }
  if (geteuid() == 0) return;  // root may write everywhere
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  for (const std::vector<std::string>& command : commands) ExpectRefused(command, "");
  fs::permissions(folder_, fs::perms::owner_all);
}

TEST_F(OutputsTest, AKilledToolsBeginningsAreRemovedByTheNextRun) {
  const std::string data = Draw("data", 30);
  const std::vector<std::string> command = {"data_tools/flip", "--materialize", "--input=" + data,
                                            "--output=" + At("out")};
  int left = 0;
  for (int attempt = 1; attempt <= 20 && left < 3; ++attempt) {
    RunTool(command, KilledAfter(attempt * 3));
    left += std::distance(fs::directory_iterator(folder_), {}) > (fs::exists(At("out")) ? 2 : 1);
  }
  EXPECT_GT(left, 0);
  ExpectDone(command);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2) << "the dataset and the output";
}

}  // namespace
}  // namespace hardface
