// What a tool wrote, as its provenance.json records it: so that a later run of the same tool may replace that, and
// nothing else.
#ifndef HARDFACE_BASE_WRITTEN_FILES_H_
#define HARDFACE_BASE_WRITTEN_FILES_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface {

inline constexpr char kProvenanceName[] = "provenance.json";

// "FILE.provenance.json".
std::string ProvenanceBeside(const std::string& file);

// {"tool":..,"version":..,"flags":{..}} of this process.
nlohmann::ordered_json ToolProvenance();

// As the file has it. Flags and paths are any bytes; those that are not UTF-8 become U+FFFD.
std::string ProvenanceText(const nlohmann::ordered_json& provenance);

// A line of "files", as sha256sum has it: "HASH  NAME". A name that is not UTF-8, which JSON needs, has \x escapes.
std::string FileRecord(const std::string& name, const std::string& sha256);

// The records of all files below FOLDER but its provenance.json, an array in the order of the names. Folders that are
// empty have records as well: "-  NAME/".
absl::StatusOr<nlohmann::ordered_json> FilesOf(const std::string& folder);

// The tool that wrote FOLDER, as its provenance.json says; nothing where there is none.
std::optional<std::string> WrittenBy(const std::string& folder);

// Whether FOLDER, whose provenance lists its files, holds others.
bool HoldsStrangers(const std::string& folder);

// An error where the output FILE must not be put in place because something is there that this tool did not write:
// another tool's file or the user's, a file that was changed since, a link, a device. Says what and what to do.
absl::Status CheckReplaceableFile(const std::string& file);

// The same for a folder, and for each file in it.
absl::Status CheckReplaceableFolder(const std::string& folder);

// The provenance of a file that is about to be put in place with this hash. It comes first, and says what it replaces:
// whenever the tool is killed, the next run finds the file in it.
absl::StatusOr<nlohmann::ordered_json> AnnouncedProvenance(const std::string& file, const std::string& sha256);

}  // namespace hardface

#endif  // HARDFACE_BASE_WRITTEN_FILES_H_
