#include "base/written_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/const_init.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/running_tool.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// File managers leave these behind wherever they look.
constexpr const char* kDroppings[] = {".DS_Store", "Thumbs.db", "desktop.ini"};

constexpr char kNoHash[] = "-";  // of an empty folder, whose name ends in "/"

constexpr char kBetween[] = "  ";  // hash and name, as sha256sum has it

constexpr size_t kNamed = 3;  // files that an error names

// The provenance in PATH; nothing where it is not one of ours.
std::optional<Json> ReadProvenance(const std::string& path) {
  Json json = Json::parse(ReadFile(path).value_or(""), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("tool") || !json["tool"].is_string()) return std::nullopt;
  return json;
}

std::string ToolOf(const Json& provenance) { return provenance["tool"].get<std::string>(); }

const std::string& ThisTool() { return RunningTool().name; }

absl::Status Refuse(const std::string& output, const std::string& why, const std::string& what_to_do) {
  return absl::AlreadyExistsError(absl::StrCat(output, ": ", why, ". Nothing was written. ", what_to_do));
}

absl::Status CheckNoLink(const std::string& output) {
  std::error_code ignored;
  if (!fs::is_symlink(output, ignored)) return absl::OkStatus();
  return Refuse(output, absl::StrCat("is a symbolic link, which an output would replace"),
                absl::StrCat("Name what it points to (", RealPath(output), "), or remove the link"));
}

// A name as records have it: JSON needs UTF-8.
std::string RecordedName(const std::string& name) {
  try {
    return Json(name).dump().empty() ? "" : name;
  } catch (const Json::type_error&) {
    return absl::CHexEscape(name);
  }
}

// ---- Files.

bool Holds(const Json& provenance, const std::string& record) {
  for (const char* key : {"files", "replaces"}) {
    const auto list = provenance.find(key);
    if (list != provenance.end() && std::find(list->begin(), list->end(), record) != list->end()) return true;
  }
  return false;
}

// Why this tool may not replace FILE, beside which lies PROVENANCE; "" where it may.
absl::StatusOr<std::string> Objection(const std::string& file, const std::optional<Json>& provenance) {
  const std::string beside = ProvenanceBeside(file);
  if (!provenance.has_value()) {
    return absl::StrCat("exists, and no ", beside, " says that ", ThisTool(), " wrote it");
  }
  if (ToolOf(*provenance) != ThisTool()) {
    return absl::StrCat("was written by ", ToolOf(*provenance), ", not by ", ThisTool(), " (", beside, ")");
  }
  if (!provenance->contains("files")) {
    return absl::StrCat("may have been changed: ", beside, " does not record its hash (an earlier version wrote it)");
  }
  ASSIGN_OR_RETURN(const std::string hash, HashFile(file));
  if (Holds(*provenance, FileRecord(fs::path(file).filename().string(), hash))) return std::string();
  return absl::StrCat("was changed since ", ThisTool(), " wrote it");
}

// A file's own provenance must not replace anything else of that name.
absl::Status CheckBeside(const std::string& file) {
  const std::string beside = ProvenanceBeside(file);
  RETURN_IF_ERROR(CheckNoLink(beside));
  std::error_code ignored;
  if (!IsThere(beside) || fs::file_size(beside, ignored) == 0 || ReadProvenance(beside).has_value()) {
    return absl::OkStatus();
  }
  return Refuse(beside, absl::StrCat("would be replaced by the provenance of ", file, ", and is none itself"),
                "Name another output, or move that file away");
}

// Whether FILE belongs to an output folder of some tool, a dataset or a training's run: nobody may overwrite it alone.
bool BelongsToAFolder(const std::string& file) {
  const std::string folder = fs::path(file).parent_path().string();
  return IsThere((fs::path(folder) / kProvenanceName).string()) ||
         IsThere((fs::path(folder) / "manifest.jsonl").string());
}

// ---- Folders.

bool IsDropping(const std::string& name) {
  return std::any_of(std::begin(kDroppings), std::end(kDroppings), [&](const char* known) { return name == known; });
}

// What tells whether a file may have changed while this process runs. (What happened to it before cannot be told by its
// times: copying, unpacking or fetching a folder gives a changed file and its provenance new ones.)
using FileState = std::tuple<dev_t, ino_t, off_t, time_t, long>;

std::optional<FileState> StateOf(const std::string& file) {
  struct stat info;
  if (lstat(file.c_str(), &info) != 0) return std::nullopt;
  return FileState(info.st_dev, info.st_ino, info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

// Whether FILE has the content of this hash. An output is looked at before the work and when it is put in place; a file
// that was not touched between is read once.
absl::StatusOr<bool> HasHash(const std::string& file, const std::string& hash) {
  static absl::Mutex mutex(absl::kConstInit);
  static auto* const known = new absl::flat_hash_map<std::string, std::pair<FileState, std::string>>;
  const std::optional<FileState> state = StateOf(file);
  if (state.has_value()) {
    const absl::MutexLock lock(&mutex);
    const auto found = known->find(file);
    if (found != known->end() && found->second.first == *state) return found->second.second == hash;
  }
  ASSIGN_OR_RETURN(const std::string is, HashFile(file));
  const absl::MutexLock lock(&mutex);
  if (state.has_value()) known->insert_or_assign(file, std::make_pair(*state, is));
  return is == hash;
}

struct Strangers {
  std::vector<std::string> unknown, changed;
};

// Calls VISIT(path, name below FOLDER) for everything but folders that hold something; links are not followed.
template <typename Visit>
absl::Status ForEachFile(const std::string& folder, const Visit& visit) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool is_folder = entry->is_directory(error) && !entry->is_symlink(error);
    if (error || (is_folder && !fs::is_empty(entry->path(), error))) continue;
    const std::string path = entry->path().string();
    RETURN_IF_ERROR(visit(path, path.substr(folder.size() + 1)));
  }
  if (error) return absl::InternalError(absl::StrCat(folder, ": cannot list this folder: ", error.message()));
  return absl::OkStatus();
}

absl::StatusOr<Strangers> FindStrangers(const std::string& folder, const Json& files) {
  absl::flat_hash_map<std::string, std::string> hashes;
  for (const Json& record : files) {
    const std::vector<std::string> parts =
        absl::StrSplit(record.is_string() ? record.get<std::string>() : "", absl::MaxSplits(kBetween, 1));
    if (parts.size() == 2) hashes.emplace(parts[1], parts[0]);
  }
  Strangers strangers;
  const auto visit = [&](const std::string& path, const std::string& name) -> absl::Status {
    if (name == kProvenanceName || IsDropping(fs::path(name).filename().string())) return absl::OkStatus();
    const auto recorded = hashes.find(RecordedName(name));
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(path, ignored))) {  // an empty one
      if (hashes.find(RecordedName(name) + "/") == hashes.end()) strangers.unknown.push_back(name + "/");
    } else if (recorded == hashes.end() || !fs::is_regular_file(fs::symlink_status(path, ignored))) {
      strangers.unknown.push_back(name);
    } else {
      ASSIGN_OR_RETURN(const bool same, HasHash(path, recorded->second));
      if (!same) strangers.changed.push_back(name);
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachFile(folder, visit));
  std::sort(strangers.unknown.begin(), strangers.unknown.end());
  std::sort(strangers.changed.begin(), strangers.changed.end());
  return strangers;
}

std::string FirstOf(const std::vector<std::string>& names) {
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(names.size(), kNamed));
  return absl::StrCat(absl::StrJoin(first, ", "),
                      names.size() > kNamed ? absl::StrCat(" and ", names.size() - kNamed, " more") : "");
}

// What no flag allows to be replaced; "" where there is nothing of it.
std::string Treasure(const std::string& folder, const std::optional<Json>& provenance) {
  const bool own = provenance.has_value() && ToolOf(*provenance) == ThisTool();
  if (IsThere(folder + "/checkpoints")) return "holds the checkpoints of a training (checkpoints/)";
  if (!own && IsThere(folder + "/manifest.jsonl")) return "is a dataset (it holds a manifest.jsonl)";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {  // one level: a training keeps its models there
    const std::string extension = entry.path().extension().string();
    if (own || (extension != ".safetensors" && extension != ".caffemodel")) continue;
    return absl::StrCat("holds a model (", entry.path().filename().string(), ")");
  }
  return "";
}

absl::Status CheckWroteAll(const std::string& folder, const Json& provenance) {
  const auto files = provenance.find("files");
  const std::string remedy = "Move these away, name another folder, or give --overwrite to lose them";
  if (files == provenance.end() || !files->is_array()) {
    return Refuse(folder,
                  absl::StrCat("its ", kProvenanceName,
                               " does not list the files that were written (an earlier version wrote it), so files of "
                               "yours in it would not be noticed"),
                  "Remove the folder, name another, or give --overwrite");
  }
  ASSIGN_OR_RETURN(const Strangers strangers, FindStrangers(folder, *files));
  if (!strangers.unknown.empty()) {
    return Refuse(folder, absl::StrCat("holds what ", ThisTool(), " did not write: ", FirstOf(strangers.unknown)),
                  remedy);
  }
  if (strangers.changed.empty()) return absl::OkStatus();
  return Refuse(folder,
                absl::StrCat("holds what was changed since ", ThisTool(), " wrote it: ", FirstOf(strangers.changed)),
                remedy);
}

absl::Status CheckIsFolderToReplace(const std::string& folder) {
  if (!IsFolder(folder)) return Refuse(folder, "is a file, and the output is a folder", "Name another");
  if (RealPath(folder) != RealPath(".")) return absl::OkStatus();
  return Refuse(folder, "is the current folder, and an output folder is put in place whole",
                "Name a new folder in it, such as --output=out");
}

}  // namespace

std::string ProvenanceBeside(const std::string& file) { return absl::StrCat(file, ".", kProvenanceName); }

Json ToolProvenance() { return {{"tool", RunningTool().name}, {"version", kVersion}, {"flags", RunningTool().flags}}; }

std::string ProvenanceText(const Json& provenance) {
  return provenance.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

std::string FileRecord(const std::string& name, const std::string& sha256) {
  return absl::StrCat(sha256, kBetween, RecordedName(name));
}

absl::StatusOr<Json> FilesOf(const std::string& folder) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ForEachFile(folder, [&](const std::string& path, const std::string& name) {
    if (name != kProvenanceName) names.push_back(IsFolder(path) ? name + "/" : name);
    return absl::OkStatus();
  }));
  std::sort(names.begin(), names.end());
  Json files = Json::array();
  for (const std::string& name : names) {
    std::string hash = kNoHash;
    if (name.back() != '/') {
      ASSIGN_OR_RETURN(hash, HashFile(absl::StrCat(folder, "/", name)));
    }
    files.push_back(FileRecord(name, hash));
  }
  return files;
}

std::optional<std::string> WrittenBy(const std::string& folder) {
  const std::optional<Json> provenance = ReadProvenance(absl::StrCat(folder, "/", kProvenanceName));
  return provenance.has_value() ? std::optional<std::string>(ToolOf(*provenance)) : std::nullopt;
}

bool HoldsStrangers(const std::string& folder) {
  const std::optional<Json> provenance = ReadProvenance(absl::StrCat(folder, "/", kProvenanceName));
  if (!provenance.has_value() || !provenance->contains("files")) return false;
  const absl::StatusOr<Strangers> strangers = FindStrangers(folder, (*provenance)["files"]);
  return !strangers.ok() || !strangers->unknown.empty();
}

absl::Status CheckReplaceableFile(const std::string& file) {
  RETURN_IF_ERROR(CheckNoLink(file));
  RETURN_IF_ERROR(CheckBeside(file));
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) return absl::OkStatus();
  if (fs::is_directory(status)) return Refuse(file, "is a folder, and the output is a file", "Name a file");
  if (!fs::is_regular_file(status)) {
    return Refuse(file, "is no regular file (a device or a pipe), and an output is put in place by renaming",
                  "Name a file");
  }
  if (fs::file_size(file, error) == 0 && !error) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string objection, Objection(file, ReadProvenance(ProvenanceBeside(file))));
  if (objection.empty()) return absl::OkStatus();
  if (BelongsToAFolder(file)) {
    return Refuse(file, absl::StrCat(objection, "; it belongs to the output folder that it lies in"),
                  "Name another output");
  }
  if (OverwritingAllowed()) return absl::OkStatus();
  return Refuse(file, objection, "Move it away, name another output, or give --overwrite to lose it");
}

absl::Status CheckReplaceableFolder(const std::string& folder) {
  RETURN_IF_ERROR(CheckNoLink(folder));
  std::error_code error;
  if (!IsThere(folder)) return absl::OkStatus();
  RETURN_IF_ERROR(CheckIsFolderToReplace(folder));
  if (fs::is_empty(folder, error) && !error) return absl::OkStatus();
  const std::optional<Json> provenance = ReadProvenance(absl::StrCat(folder, "/", kProvenanceName));
  const std::string treasure = Treasure(folder, provenance);
  if (!treasure.empty()) return Refuse(folder, absl::StrCat("exists and ", treasure), "Name another folder");
  if (!provenance.has_value()) {
    return Refuse(
        folder, absl::StrCat("exists and is no output of these tools (it has no ", kProvenanceName, " that names one)"),
        "Remove it or name another folder");
  }
  if (OverwritingAllowed()) return absl::OkStatus();
  if (ToolOf(*provenance) != ThisTool()) {
    return Refuse(folder, absl::StrCat("was written by ", ToolOf(*provenance), ", not by ", ThisTool()),
                  "Name another folder, or give --overwrite to lose this one");
  }
  return CheckWroteAll(folder, *provenance);
}

absl::StatusOr<Json> AnnouncedProvenance(const std::string& file, const std::string& sha256) {
  Json provenance = ToolProvenance();
  const std::string name = fs::path(file).filename().string();
  provenance["files"] = nlohmann::ordered_json::array({FileRecord(name, sha256)});
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return provenance;
  ASSIGN_OR_RETURN(const std::string old, HashFile(file));
  if (old != sha256) provenance["replaces"] = nlohmann::ordered_json::array({FileRecord(name, old)});
  return provenance;
}

}  // namespace hardface
