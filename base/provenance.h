// Where an output came from: tool, version, flags and the hashes of its inputs. Outputs record it so that a number can
// be traced back to the exact files and settings.
#ifndef HARDFACE_BASE_PROVENANCE_H_
#define HARDFACE_BASE_PROVENANCE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface {

// The project's version, as in CHANGELOG.md.
inline constexpr char kVersion[] = "0.1.0";

// SHA-256 of a file's bytes, in hexadecimal.
absl::StatusOr<std::string> HashFile(const std::string& path);

// Collects the inputs of this process's run. The tool's name and flags come from ParseToolFlags (tool_main.h).
// Example: Provenance provenance; RETURN_IF_ERROR(provenance.AddInput(manifest)); provenance.WriteInto(folder);
class Provenance {
 public:
  // Notes a file that the output depends on, by its hash.
  absl::Status AddInput(const std::string& path);
  // The same for an input whose SHA-256 is known already (a folder of results, read anyway).
  void AddHashedInput(const std::string& path, const std::string& sha256) { inputs_[path] = sha256; }
  // {"tool":..,"version":..,"flags":{..},"inputs":{path: sha256}}: no time and no host, so that equal runs give equal
  // files.
  nlohmann::ordered_json ToJson() const;
  // Writes FOLDER/provenance.json.
  absl::Status WriteInto(const std::string& folder) const;
  // Writes FILE.provenance.json, for outputs that are one file.
  absl::Status WriteBeside(const std::string& file) const;

 private:
  nlohmann::ordered_json inputs_ = nlohmann::ordered_json::object();
};

// Set by ParseToolFlags: the running tool ("infer/detect") and its effective flags.
struct ToolIdentity {
  std::string name;
  nlohmann::ordered_json flags = nlohmann::ordered_json::object();
};
ToolIdentity& RunningTool();

}  // namespace hardface

#endif  // HARDFACE_BASE_PROVENANCE_H_
