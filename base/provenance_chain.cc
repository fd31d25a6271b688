#include "base/provenance_chain.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/json_text.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/written_files.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string FolderOf(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string InFolder(const std::string& folder, const std::string& name) {
  return folder == "." ? name : absl::StrCat(folder, "/", name);
}

// Name and hash of each record of a provenance's "files".
std::map<std::string, std::string> RecordsOf(const Json& provenance) {
  std::map<std::string, std::string> records;
  const auto files = provenance.find("files");
  if (files == provenance.end() || !files->is_array()) return records;
  for (const Json& record : *files) {
    if (!record.is_string()) continue;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(record.get<std::string>(), absl::MaxSplits("  ", 1));
    records[parts.second] = parts.first;
  }
  return records;
}

class Verifier {
 public:
  explicit Verifier(const TreeHash& tree_hash) : tree_hash_(tree_hash) {}

  absl::StatusOr<ChainReport> Run(const std::string& path) {
    if (!IsThere(path)) return absl::NotFoundError(absl::StrCat(path, ": is not there"));
    const std::string output = IsFolder(path) ? WithoutTrailingSlash(path) : path;
    if (!Add(output)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is no output of these tools: there is no ",
                       IsFolder(output) ? InFolder(output, kProvenanceName) : ProvenanceBeside(output)));
    }
    for (; !waiting_.empty(); waiting_.pop_front()) RETURN_IF_ERROR(Verify(waiting_.front()));
    return std::move(report_);
  }

 private:
  void Find(const std::string& place, absl::string_view what) {
    report_.findings.push_back(absl::StrCat(place, ": ", what));
  }

  // Notes an output, once; false where PATH is none.
  bool Add(const std::string& path) {
    const std::string provenance = IsFolder(path) ? InFolder(path, kProvenanceName) : ProvenanceBeside(path);
    if (!IsThere(provenance)) return false;
    if (seen_.insert(RealPath(path)).second) waiting_.push_back(path);
    return true;
  }

  // The output that a file belongs to: itself, or the nearest folder around it that a tool wrote.
  void AddOwner(const std::string& file) {
    if (Add(file)) return;
    std::string folder = IsFolder(file) ? file : FolderOf(file);
    for (int levels = 0; levels < 4; ++levels) {  // "run/checkpoints/iteration-00000010/model.safetensors"
      if (Add(folder) || folder == "." || folder == "/") return;
      folder = FolderOf(folder);
    }
  }

  absl::Status Verify(const std::string& output) {
    const std::string file = IsFolder(output) ? InFolder(output, kProvenanceName) : ProvenanceBeside(output);
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    const absl::StatusOr<Json> json = ParseJson<Json>(text, file);
    const bool good = json.ok() && json->is_object() && json->contains("tool") && (*json)["tool"].is_string();
    if (!good) {
      Find(file, json.ok() ? "names no \"tool\"" : json.status().message());
      return absl::OkStatus();
    }
    const int64_t files = report_.files, inputs = report_.inputs;
    const std::string tool = (*json)["tool"].get<std::string>();
    RETURN_IF_ERROR(VerifyFiles(output, tool, *json));
    RETURN_IF_ERROR(VerifyInputs(output, *json));
    report_.outputs.push_back(absl::StrCat(tool, "  ", output, "  (", report_.files - files, " files, ",
                                           report_.inputs - inputs, " inputs)"));
    return absl::OkStatus();
  }

  absl::Status VerifyFiles(const std::string& output, const std::string& tool, const Json& provenance) {
    const std::map<std::string, std::string> records = RecordsOf(provenance);
    const std::string folder = IsFolder(output) ? output : FolderOf(output);
    for (const auto& [name, hash] : records) RETURN_IF_ERROR(VerifyFile(InFolder(folder, name), tool, hash));
    if (!IsFolder(output)) {
      if (records.empty()) Find(ProvenanceBeside(output), "does not record the file's hash");
      return absl::OkStatus();
    }
    if (provenance.contains("files")) return FindAdded(output, tool, records);
    return VerifyTraining(output, tool);
  }

  absl::Status VerifyFile(const std::string& path, const std::string& tool, const std::string& hash) {
    ++report_.files;
    if (!IsThere(path)) {
      Find(path, absl::StrCat("is gone; ", tool, " wrote it"));
      return absl::OkStatus();
    }
    if (absl::EndsWith(path, "/")) return absl::OkStatus();  // an empty folder
    ASSIGN_OR_RETURN(const std::string now, HashFile(path));
    if (now == hash || IsRecordedBeside(path, now)) return absl::OkStatus();
    Find(path, absl::StrCat("was changed since ", tool, " wrote it"));
    return absl::OkStatus();
  }

  // What another tool put in a file's place says so itself (doctor --repair).
  bool IsRecordedBeside(const std::string& path, const std::string& hash) {
    const absl::StatusOr<std::string> text = ReadFile(ProvenanceBeside(path));
    if (!text.ok()) return false;
    const absl::StatusOr<Json> provenance = ParseJson<Json>(*text, path);
    if (!provenance.ok() || !provenance->is_object()) return false;
    const std::map<std::string, std::string> records = RecordsOf(*provenance);
    const auto record = records.find(fs::path(path).filename().string());
    if (record == records.end() || record->second != hash) return false;
    Add(path);
    return true;
  }

  absl::Status FindAdded(const std::string& folder, const std::string& tool,
                         const std::map<std::string, std::string>& records) {
    ASSIGN_OR_RETURN(const Json now, FilesOf(folder));
    for (const auto& [name, hash] : RecordsOf({{"files", now}})) {
      const bool own = records.count(name) > 0 || absl::EndsWith(name, absl::StrCat(".", kProvenanceName));
      if (!own && !Add(InFolder(folder, name))) {
        Find(InFolder(folder, name), absl::StrCat("was not written by ", tool));
      }
    }
    return absl::OkStatus();
  }

  // A training's folder grows, so that its provenance lists no files. Its checkpoints' do, and its model is the newest
  // one's.
  absl::Status VerifyTraining(const std::string& folder, const std::string& tool) {
    std::vector<std::string> checkpoints;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(InFolder(folder, "checkpoints"), error)) {
      if (Add(entry.path().string())) checkpoints.push_back(entry.path().string());
    }
    std::sort(checkpoints.begin(), checkpoints.end());
    if (checkpoints.empty()) {
      Find(folder, absl::StrCat("its ", kProvenanceName, " lists no files, so that changes of them are not noticed"));
      return absl::OkStatus();
    }
    const std::string model = InFolder(folder, "model.safetensors");
    const absl::StatusOr<std::string> own = HashFile(model),
                                      newest = HashFile(checkpoints.back() + "/model.safetensors");
    ++report_.files;
    if (!own.ok() || !newest.ok() || *own != *newest) {
      Find(model,
           absl::StrCat("is not the model of the last checkpoint that ", tool, " wrote (", checkpoints.back(), ")"));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyInputs(const std::string& output, const Json& provenance) {
    const auto inputs = provenance.find("inputs");
    if (inputs == provenance.end() || !inputs->is_object()) return absl::OkStatus();
    for (const auto& [name, hash] : inputs->items()) {
      ++report_.inputs;
      if (!hash.is_string()) continue;
      RETURN_IF_ERROR(VerifyInput(output, name, hash.get<std::string>()));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyInput(const std::string& output, const std::string& name, const std::string& hash) {
    std::string first;
    for (const std::string& path : Places(output, name)) {
      if (!IsThere(path)) continue;
      if (first.empty()) first = path;
      ASSIGN_OR_RETURN(const bool same, HasHash(path, hash));
      if (!same) continue;
      AddOwner(path);
      return absl::OkStatus();
    }
    if (first.empty()) {
      Find(name, absl::StrCat("is gone; ", output, " was made from it"));
    } else {
      Find(first, absl::StrCat("was changed since ", output, " was made from it"));
      AddOwner(first);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> HasHash(const std::string& path, const std::string& hash) const {
    if (!IsFolder(path)) {
      ASSIGN_OR_RETURN(const std::string now, HashFile(path));
      if (now == hash) return true;
    }
    const absl::StatusOr<std::string> tree = tree_hash_(path);
    return tree.ok() && *tree == hash;
  }

  // Where the input NAME of OUTPUT may lie.
  static std::vector<std::string> Places(const std::string& output, const std::string& name) {
    std::vector<std::string> places = {name};
    if (fs::path(name).is_absolute()) return places;
    for (fs::path folder = fs::path(RealPath(output)); folder.has_relative_path(); folder = folder.parent_path()) {
      places.push_back((folder.parent_path() / name).lexically_normal().string());
    }
    return places;
  }

  const TreeHash& tree_hash_;
  std::deque<std::string> waiting_;
  std::set<std::string> seen_;
  ChainReport report_;
};

}  // namespace

absl::StatusOr<ChainReport> VerifyChain(const std::string& path, const TreeHash& tree_hash) {
  return Verifier(tree_hash).Run(path);
}

}  // namespace hardface
