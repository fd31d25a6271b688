#include "base/provenance.h"

#include <filesystem>

#include "base/atomic_output.h"
#include "base/output_guard.h"
#include "base/status_macros.h"
#include "base/written_files.h"

namespace hardface {

absl::Status Provenance::AddInput(const std::string& path) {
  ProtectInput(path, InputKind::kFile);
  ASSIGN_OR_RETURN(inputs_[path], HashFile(path));
  return absl::OkStatus();
}

void Provenance::AddHashedInput(const std::string& path, const std::string& sha256) {
  ProtectInput(path, InputKind::kFolder);
  inputs_[path] = sha256;
}

nlohmann::ordered_json Provenance::ToJson() const {
  nlohmann::ordered_json json = ToolProvenance();
  json["inputs"] = inputs_;
  return json;
}

absl::Status Provenance::WriteInto(const std::string& folder) const {
  return WriteFileAtomically(folder + "/provenance.json", ProvenanceText(ToJson()), Replace::kAlways);
}

absl::Status Provenance::WriteBeside(const std::string& file) const {
  nlohmann::ordered_json json = ToJson();
  ASSIGN_OR_RETURN(const std::string hash, HashFile(file));
  json["files"] = nlohmann::ordered_json::array({FileRecord(std::filesystem::path(file).filename().string(), hash)});
  return WriteFileAtomically(ProvenanceBeside(file), ProvenanceText(json), Replace::kAlways);
}

}  // namespace hardface
