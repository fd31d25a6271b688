#include "pipelines/torture_resume.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/random.h"
#include "base/read_file.h"
#include "base/run_tool.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

constexpr char kPictures[] = "long";
constexpr int64_t kBrokenOneOf = 1000;
constexpr int kTimeoutMs = 3'600'000;

// Draws the pictures, no two alike, and breaks one of each thousand.
ToolOutcome MakePictures(const TortureWorkspace& workspace, int64_t images) {
  ToolOutcome drawn =
      workspace.Run("data_tools/synthesize", {absl::StrCat("--images=", images), "--width=64", "--height=48",
                                              "--face_px=12,36", "--seed=3", absl::StrCat("--output=", kPictures)});
  for (int64_t i = kBrokenOneOf / 2; i < images; i += kBrokenOneOf) {
    std::ofstream(workspace.At(absl::StrFormat("%s/images/%06d.jpg", kPictures, i)), std::ios::trunc) << "no picture";
  }
  return drawn;
}

// The run of which the outputs are called NAME and NAME_faces.
std::vector<std::string> FlagsOf(const TortureWorkspace& workspace, const std::string& name, int threads) {
  return {"--model=" + workspace.model(),
          absl::StrCat(kPictures, "/images"),
          "--pyramid=48",
          "--noflip",
          "--score_threshold=0.01",
          "--format=jsonl,csv,coco,fddb",
          "--contact_sheet",
          absl::StrCat("--threads=", threads),
          "--resume",
          "--output=" + name,
          absl::StrCat("--crops=", name, "_faces")};
}

int64_t BytesOf(const std::string& path) {
  std::error_code missing;
  const auto bytes = fs::file_size(path, missing);
  return missing ? 0 : static_cast<int64_t>(bytes);
}

int64_t LinesOf(const std::string& path) {
  const std::string text = ReadFile(path).value_or("");
  return std::count(text.begin(), text.end(), '\n');
}

// The files of the run NAME by their names without it. Its provenances are given with the name left out, since flags
// and hashes of these say how outputs are called, and threads differ.
std::map<std::string, std::string> FilesOf(const TortureWorkspace& workspace, const std::string& name) {
  std::map<std::string, std::string> files;
  for (const std::string& output : {name, name + "_faces"}) {
    for (const auto& [path, hash] : workspace.Contents(std::vector<std::string>{output})) {
      const bool provenance = absl::EndsWith(path, "/provenance.json");
      files[path.substr(name.size())] =
          provenance ? absl::StrReplaceAll(ReadFile(workspace.At(path)).value_or(""), {{"\"" + name, "\"run"}}) : hash;
    }
  }
  return files;
}

std::string FirstDifference(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  for (const auto& [first, second] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    for (const auto& [name, content] : *first) {
      const auto other = second->find(name);
      if (other == second->end()) return absl::StrCat(name, " is there once only");
      if (other->second != content) return absl::StrCat(name, " differs");
    }
  }
  return "";
}

// Images fail, which is no fault of the run, and it must say so.
bool EndedWell(const ToolOutcome& outcome, int64_t broken) {
  const std::string counts = absl::StrCat(" failed=", broken, "\n");
  return outcome.exit_code == (broken > 0 ? 1 : 0) && absl::StrContains(outcome.output, counts);
}

}  // namespace

void KillLongDetection(const TortureWorkspace& workspace, int64_t images, int kills, uint64_t seed,
                       TortureReport* report) {
  TortureRow row{"resume", "infer/detect",
                 absl::StrCat(images, " pictures; ", kills,
                              " kills (SIGKILL, SIGTERM) spread over the run, each followed by --resume; the bytes")};
  std::vector<std::string> faults;
  const ToolOutcome drawn = MakePictures(workspace, images);
  if (drawn.exit_code != 0) faults.push_back(drawn.error);
  const int64_t broken = (images + kBrokenOneOf / 2 - 1) / kBrokenOneOf;
  ToolLimits limits;
  limits.timeout_ms = kTimeoutMs;
  const ToolOutcome whole = workspace.Run("infer/detect", FlagsOf(workspace, "whole", /*threads=*/1), limits);
  if (!EndedWell(whole, broken)) faults.push_back(absl::StrCat("undisturbed: ", whole.output.substr(0, 300)));
  row.seconds = whole.seconds;
  row.max_bytes = whole.max_bytes;
  const int64_t bytes = BytesOf(workspace.At("whole/images.jsonl"));
  const std::string journal = workspace.At("parts.unfinished/images.jsonl");
  Random random({seed});
  std::vector<int64_t> places;
  for (int i = 0; i < kills && faults.empty(); ++i) {
    // By the bytes of the journal, so that the moment may fall anywhere in a picture's work.
    const auto place = static_cast<int64_t>((i + random.Uniform()) / kills * static_cast<double>(bytes));
    limits.kill_when = [&] { return BytesOf(journal) >= place; };
    limits.kill_signal = i % 2 == 0 ? SIGKILL : SIGTERM;
    const ToolOutcome outcome = workspace.Run("infer/detect", FlagsOf(workspace, "parts", 1 + i % 2), limits);
    row.max_bytes = std::max(row.max_bytes, outcome.max_bytes);
    if (outcome.signal == 0) faults.push_back(absl::StrCat("it ended by itself: ", outcome.output.substr(0, 300)));
    if (!workspace.Contents(std::vector<std::string>{"parts", "parts_faces"}).empty()) {
      faults.push_back("an output is there before the end");
    }
    places.push_back(LinesOf(journal));
  }
  limits.kill_when = nullptr;
  const ToolOutcome last = workspace.Run("infer/detect", FlagsOf(workspace, "parts", /*threads=*/1), limits);
  if (!EndedWell(last, broken)) faults.push_back(absl::StrCat("resumed: ", last.output.substr(0, 300)));
  const auto files = FilesOf(workspace, "whole");
  const std::string difference = FirstDifference(files, FilesOf(workspace, "parts"));
  if (!difference.empty()) faults.push_back(difference);
  row.holds = faults.empty();
  row.result =
      absl::StrCat("killed behind ", absl::StrJoin(places, ", "), " pictures; ", files.size(), " files, ",
                   row.holds ? "all the same" : "the first fault: " + absl::StrReplaceAll(faults[0], {{"\n", " "}}));
  report->Add(row);
  workspace.Remove(
      {"whole", "whole_faces", "parts", "parts_faces", "parts.unfinished", "parts_faces.unfinished", kPictures});
}

}  // namespace hardface
