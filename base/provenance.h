// Where an output came from: tool, version, flags and the hashes of its inputs. Outputs record it so that a number can
// be traced back to the exact files and settings.
#ifndef HARDFACE_BASE_PROVENANCE_H_
#define HARDFACE_BASE_PROVENANCE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/running_tool.h"
#include "base/sha256.h"

namespace hardface {

// Collects the inputs of this process's run, which no output may then harm (output_guard.h). The tool's name and flags
// come from ParseToolFlags (tool_main.h). Example: Provenance provenance;
// RETURN_IF_ERROR(provenance.AddInput(manifest)); provenance.WriteInto(folder);
class Provenance {
 public:
  // Notes a file that the output depends on, by its hash.
  absl::Status AddInput(const std::string& path);
  // The same for an input whose SHA-256 is known already (a folder of results, read anyway).
  void AddHashedInput(const std::string& path, const std::string& sha256);
  // {"tool":..,"version":..,"flags":{..},"inputs":{path: sha256}}: no time and no host, so that equal runs give equal
  // files.
  nlohmann::ordered_json ToJson() const;
  // Writes FOLDER/provenance.json. AtomicFolder adds the list of the folder's files on Commit().
  absl::Status WriteInto(const std::string& folder) const;
  // Writes FILE.provenance.json, for outputs that are one file, with that file's hash.
  absl::Status WriteBeside(const std::string& file) const;

 private:
  nlohmann::ordered_json inputs_ = nlohmann::ordered_json::object();
};

}  // namespace hardface

#endif  // HARDFACE_BASE_PROVENANCE_H_
