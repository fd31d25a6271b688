#include "train/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/provenance.h"
#include "base/read_file.h"
#include "base/running_tool.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "base/written_files.h"
#include "train/run/checkpoint.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;

// Nothing but what a training that was killed at its start may have left.
bool IsAsGoodAsEmpty(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, ".provenance.json.tmp-")) return false;
  }
  return !error;
}

absl::Status CheckIsOwn(const std::string& folder) {
  const std::optional<std::string> tool = WrittenBy(folder);
  if (tool == RunningTool().name) return absl::OkStatus();
  const std::string what = tool.has_value() ? absl::StrCat("was written by ", *tool)
                                            : "holds files, and no provenance.json says that a training wrote them";
  return absl::AlreadyExistsError(
      absl::StrCat(folder, ": ", what, "; a training would write among them. Name a new folder as --output"));
}

absl::Status CheckNothingIsLost(const std::string& folder, bool resume) {
  const bool checkpoints = !ListCheckpoints(folder).empty();
  if (checkpoints && !resume) {
    return absl::AlreadyExistsError(absl::StrCat(
        folder, ": holds checkpoints of an earlier training; go on with --resume, or name another --output"));
  }
  if (checkpoints || !IsThere(folder + "/model.safetensors")) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      folder, ": holds the model.safetensors of an earlier training, but none of its checkpoints, so it cannot ",
      resume ? "be resumed" : "go on", "; starting anew would replace the model. Name another --output"));
}

// A training that was killed between its first validation and its first checkpoint left a model that it cannot go on
// from: kept, for the new start will find another best one.
absl::Status SetBestModelAside(const std::string& folder) {
  const std::string best = folder + "/best.safetensors";
  if (!ListCheckpoints(folder).empty() || !IsThere(best)) return absl::OkStatus();
  std::string kept = folder + "/best.before_restart.safetensors";
  for (int number = 2; IsThere(kept); ++number) {
    kept = absl::StrCat(folder, "/best.before_restart.", number, ".safetensors");
  }
  std::error_code error;
  fs::rename(best, kept, error);
  if (error) return absl::InternalError(absl::StrCat(best, ": cannot be renamed to ", kept, ": ", error.message()));
  std::fprintf(stderr, "train: there is no checkpoint to go on from; the best model so far is kept as %s\n",
               kept.c_str());
  return absl::OkStatus();
}

// The settings in OLD and NEW flag files that differ, but for those that do not change what is computed.
std::vector<std::string> ChangedSettings(const std::string& old_flags, const std::string& new_flags) {
  std::map<std::string, std::string> before;
  const auto parse = [](absl::string_view line) {
    return std::pair<std::string, std::string>(absl::StrSplit(line, absl::MaxSplits('=', 1)));
  };
  for (const absl::string_view line : absl::StrSplit(old_flags, '\n', absl::SkipEmpty())) before.insert(parse(line));
  std::vector<std::string> changes;
  for (const absl::string_view line : absl::StrSplit(new_flags, '\n', absl::SkipEmpty())) {
    const auto [name, value] = parse(line);
    const auto found = before.find(name);
    if (found == before.end() || found->second == value || name == "--resume") continue;
    changes.push_back(absl::StrCat(name, " ", found->second, " -> ", value));
  }
  return changes;
}

}  // namespace

absl::Status ClaimRunFolder(const std::string& raw_folder, bool resume) {
  RETURN_IF_ERROR(CheckOutput(raw_folder));
  // What is there once the folders on the way are ("new/../run").
  const std::string folder = IsThere(raw_folder) ? raw_folder : RealPath(raw_folder);
  if (IsThere(folder) && !IsFolder(folder)) {
    return absl::AlreadyExistsError(absl::StrCat(folder, ": is a file; --output is the folder of the run"));
  }
  if (IsThere(folder) && !IsAsGoodAsEmpty(folder)) {
    RETURN_IF_ERROR(CheckIsOwn(folder));
    RETURN_IF_ERROR(CheckNothingIsLost(folder, resume));
    RETURN_IF_ERROR(SetBestModelAside(folder));
  }
  ClaimFolder(raw_folder);
  RemoveLeftovers(folder);
  RemoveLeftovers(folder + "/checkpoints");
  return absl::OkStatus();
}

RunFolderLock::~RunFolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status RunFolderLock::Take(const std::string& folder) {
  if (descriptor_ >= 0) return absl::OkStatus();
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return absl::OkStatus();
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(descriptor);
    return absl::AlreadyExistsError(absl::StrCat(
        folder, ": another training is writing this run. Wait until it ends, stop it, or name another --output"));
  }
  descriptor_ = descriptor;
  return absl::OkStatus();
}

absl::Status RunFolder::Claim(bool resume) {
  RETURN_IF_ERROR(lock_.Take(path_));
  return ClaimRunFolder(path_, resume);
}

void RunFolder::Tell(const std::string& message) {
  absl::FPrintF(stderr, "train: %s\n", message);
  messages_.push_back(message);
}

absl::Status RunFolder::Start(const RunStart& start) {
  RETURN_IF_ERROR(CheckOutput(path_));  // the datasets' images are known by now
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return absl::InternalError(absl::StrCat(path_, ": cannot make this folder: ", error.message()));
  RETURN_IF_ERROR(lock_.Take(path_));
  Provenance provenance;
  provenance.AddHashedInput(start.manifest_path, start.manifest_hash);
  for (const std::string& input : start.inputs) RETURN_IF_ERROR(provenance.AddInput(input));
  RETURN_IF_ERROR(provenance.WriteInto(path_));
  const std::string flags = EffectiveFlags();
  if (start.iteration > 0) {
    const absl::StatusOr<std::string> before = ReadFile(path_ + "/flags.txt");
    const std::vector<std::string> changes = ChangedSettings(before.ok() ? *before : "", flags);
    if (!changes.empty()) {
      Tell(absl::StrCat("settings changed since the checkpoint: ", absl::StrJoin(changes, ", ")));
    }
  }
  RETURN_IF_ERROR(WriteFileAtomically(path_ + "/flags.txt", flags));
  ASSIGN_OR_RETURN(log_, RunLog::Open(path_, start.iteration, start.metrics_bytes, start.ledger_bytes));
  for (const std::string& message : messages_) RETURN_IF_ERROR(log_->AddMessage(start.iteration, message));
  return absl::OkStatus();
}

}  // namespace hardface::train
