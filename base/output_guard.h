// Keeps a tool's outputs away from what it reads. ToolMain (tool_main.h) opens a ToolScope; from then on every input is
// noted as it becomes known (by the tool's table of flags, by DatasetReader, by Provenance), and every output that is
// opened or finished (atomic_output.h) is held against all of them.
#ifndef HARDFACE_BASE_OUTPUT_GUARD_H_
#define HARDFACE_BASE_OUTPUT_GUARD_H_

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace hardface {

// PATH, absolute and with every symbolic link resolved. Of what does not exist, the last part is taken as it stands.
std::string RealPath(const std::string& path);

// Whether PATH is FOLDER or lies in it. Both as RealPath gives them.
bool IsWithin(const std::string& path, const std::string& folder);

// The same for what is on disk, under whatever names: links, hard links, mounts and other spellings are seen through.
bool LiesWithin(const std::string& path, const std::string& folder);

// What an input is says where outputs must not be.
enum class InputKind {
  kFile,    // an output must not be it, nor hold it
  kFolder,  // with all that is in it: an output must not lie in it either. (A file is taken as kFile.)
  kImages,  // a folder that images are looked for in: as kFolder, unless it is the place where everything lies: it
            // holds the current folder or another input ("--images=. --input=boxes.csv --output=faces")
};

// An error where OUTPUT would harm INPUT. To be asked before any work is done.
absl::Status CheckSpares(const std::string& output, const std::string& input, InputKind kind = InputKind::kFile);

// While it lives, this process is a tool of which users name inputs and outputs. Without one (the libraries in other
// programs, unit tests) nothing is noted. One at a time.
class ToolScope {
 public:
  ToolScope();
  ~ToolScope();
  ToolScope(const ToolScope&) = delete;
  ToolScope& operator=(const ToolScope&) = delete;
};
bool InTool();

// Notes that the tool reads PATH. CHECK, where given, is asked about every output that exists already, for inputs that
// consist of more than one path (a dataset and its images).
using InputCheck = std::function<absl::Status(const std::string& output)>;
void ProtectInput(const std::string& path, InputKind kind, InputCheck check = nullptr);

// Notes that the user named PATH as an output.
void DeclareOutput(const std::string& path);

// An error where the user named no such output, or where OUTPUT would harm an input that is known by now.
absl::Status CheckOutput(const std::string& output);

// Whether the user asked for existing outputs to be replaced, whoever wrote them (--overwrite).
void AllowOverwriting(bool allowed);
bool OverwritingAllowed();

// Folders that this process made for itself, where it writes as it likes: temporary ones, and the run of a training.
void ClaimFolder(const std::string& folder);
void ReleaseFolder(const std::string& folder);
bool IsInClaimedFolder(const std::string& path);

}  // namespace hardface

#endif  // HARDFACE_BASE_OUTPUT_GUARD_H_
