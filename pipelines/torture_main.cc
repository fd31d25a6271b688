// pipelines/torture: kills, full disks, hostile files and loads, for every tool. docs/RELIABILITY.md has its table.
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "pipelines/torture_hostile.h"
#include "pipelines/torture_report.h"
#include "pipelines/torture_resume.h"
#include "pipelines/torture_trials.h"
#include "pipelines/torture_workspace.h"

ABSL_FLAG(std::string, output, "torture", "Folder to write torture.jsonl and torture.md into.");
ABSL_FLAG(std::string, work, "/tmp/hardface-torture", "Folder to work in. It is emptied first and removed in the end.");
ABSL_FLAG(std::vector<std::string>, parts,
          std::vector<std::string>({"kills", "resume", "disk", "unwritable", "changes", "memory", "same", "hostile",
                                    "load"}),
          "Parts to try, separated by commas.");
ABSL_FLAG(std::vector<std::string>, tools, {},
          "Tools to try, such as data_tools/flip,eval/dataset, in the parts that go through all. Empty tries all.");
ABSL_FLAG(int, kills, 100, "Number of times that each tool is killed.");
ABSL_FLAG(int, resumes, 10, "Number of times that the long detection of the part resume is killed and resumed.");
ABSL_FLAG(int64_t, resume_images, 20000, "Number of small pictures for the part resume.");
ABSL_FLAG(int, changes, 30, "Number of times that an input of each tool is changed while it runs.");
ABSL_FLAG(int, images, 24, "Number of pictures in the datasets that the tools work on, at least 24.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the moments and the changes.");
ABSL_FLAG(int64_t, load_images, 100000, "Number of small images for the part load. 0 leaves them out.");
ABSL_FLAG(int64_t, load_entries, 1000000, "Number of manifest entries for the part load. 0 leaves them out.");
ABSL_FLAG(int64_t, load_detections, 50000000, "Number of detections for the part load. 0 leaves them out.");
ABSL_FLAG(int64_t, load_megapixels, 200,
          "Size in million pixels of the large image of the part load. 0 leaves it out.");

namespace hardface {
namespace {

// Where the tools lie: set by main(), before --help or a change of folders.
std::string tools_folder;  // NOLINT(runtime/string): one for the process

bool Wants(const std::string& part) {
  const std::vector<std::string> parts = absl::GetFlag(FLAGS_parts);
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

void TryAll(const TortureWorkspace& workspace, TortureReport* report) {
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const int kills = absl::GetFlag(FLAGS_kills);
  if (Wants("same")) CompareBytes(workspace, report);
  if (Wants("hostile")) GiveHostileFiles(workspace, report);
  if (Wants("disk")) FillDisks(workspace, report);
  if (Wants("unwritable")) ForbidWriting(workspace, report);
  if (Wants("memory")) LimitMemory(workspace, report);
  if (Wants("changes")) ChangeInputs(workspace, absl::GetFlag(FLAGS_changes), seed, report);
  if (Wants("kills")) KillTools(workspace, kills, seed, report);
  if (Wants("kills")) KillTraining(workspace, kills, seed, report);
  if (Wants("resume")) {
    KillLongDetection(workspace, absl::GetFlag(FLAGS_resume_images), absl::GetFlag(FLAGS_resumes), seed, report);
  }
  if (!Wants("load")) return;
  Load(workspace,
       {absl::GetFlag(FLAGS_load_images), absl::GetFlag(FLAGS_load_entries), absl::GetFlag(FLAGS_load_detections),
        absl::GetFlag(FLAGS_load_megapixels)},
       report);
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireRange("kills", absl::GetFlag(FLAGS_kills), 1, 1e6));
  RETURN_IF_ERROR(RequireRange("resumes", absl::GetFlag(FLAGS_resumes), 1, 1e4));
  RETURN_IF_ERROR(RequireRange("resume_images", static_cast<double>(absl::GetFlag(FLAGS_resume_images)), 100, 1e6));
  RETURN_IF_ERROR(RequireRange("changes", absl::GetFlag(FLAGS_changes), 1, 1e6));
  RETURN_IF_ERROR(RequireRange("images", absl::GetFlag(FLAGS_images), 24, 1e6));
  unsetenv("BUILD_WORKING_DIRECTORY");  // the tools are started elsewhere
  const std::string work = std::filesystem::absolute(absl::GetFlag(FLAGS_work)).string();
  TortureWorkspace workspace(tools_folder, work + "/w");
  RETURN_IF_ERROR(workspace.Make(absl::GetFlag(FLAGS_images)));
  workspace.Only(absl::GetFlag(FLAGS_tools));
  TortureReport report;
  TryAll(workspace, &report);
  std::filesystem::remove_all(work);
  const std::vector<std::string> settings = absl::StrSplit(EffectiveFlags(), '\n', absl::SkipEmpty());
  std::string command = "./bazelw run //pipelines:torture --";
  for (const std::string& setting : settings) {
    const std::string name = setting.substr(2, setting.find('=') - 2);
    if (name != "output" && name != "work" && FlagDiffers(name)) absl::StrAppend(&command, " ", setting);
  }
  RETURN_IF_ERROR(report.Write(absl::GetFlag(FLAGS_output), command));
  std::printf("rows=%lld failures=%lld\n", static_cast<long long>(report.size()),
              static_cast<long long>(report.failures()));
  if (report.failures() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(report.failures(), " of ", report.size(), " rows do not hold"));
}

}  // namespace
}  // namespace hardface

int main(int argc, char** argv) {
  // `bazel run` starts programs where their files are; else these lie beside the program.
  const std::string beside = std::string(argv[0]) + ".runfiles/hardface";
  std::error_code ignored;
  hardface::tools_folder = std::filesystem::absolute(std::filesystem::exists(beside, ignored) ? beside : ".").string();
  return hardface::ToolMain(
      argc, argv,
      {"pipelines/torture",
       "Hurts every tool in every way that could cost a user's files or numbers: kills, full disks, folders without "
       "rights, inputs that change or vanish, little memory, hostile files, great loads; and compares the bytes of "
       "equal "
       "runs. Prints a row for each and writes a table. Exit code 1 means that a row does not hold.",
       "",
       {{"output", hardface::kWrites}}},
      &hardface::Run);
}
