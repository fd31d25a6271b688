// What every tool's main() does: flags, --help, exit codes. A *_main.cc declares its ABSL_FLAGs, a
// `absl::Status Run(const std::vector<std::string>& arguments)`, and
//   int main(int argc, char** argv) {
//     return hardface::ToolMain(argc, argv, {"infer/detect", "Finds faces ...", "", {{"output", hardface::kWrites}}},
//     &Run);
//   }
#ifndef HARDFACE_BASE_TOOL_MAIN_H_
#define HARDFACE_BASE_TOOL_MAIN_H_

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

// What a tool does with the path that a flag gives. It decides where outputs may be (InputKind, output_guard.h).
enum PathUse {
  kReadsFile,     // a file
  kReadsFolder,   // a folder with all that is in it, or a file
  kReadsDataset,  // a dataset's folder, or its manifest.jsonl
  kReadsImages,   // a folder that images are looked for in, or an image
  kWrites,        // a file or folder
  kWritesRun,     // a folder that is gone on in: it may hold the flag file that says how
};

// How many paths a flag gives.
enum class PathForm {
  kOne,
  kList,       // A,B,C
  kNamedList,  // NAME=A,NAME=B
};

struct PathFlag {
  std::string flag;  // "": the arguments
  PathUse use;
  PathForm form = PathForm::kOne;
  std::string when_empty = "";  // the path that the tool takes then
};

// Every flag of a tool that names a file or folder. There is no default, so that none can forget to say it: a tool
// without such flags says None(). A tool that writes to a path that it does not name here fails.
class ToolPaths {
 public:
  static ToolPaths None() { return std::initializer_list<PathFlag>(); }
  ToolPaths() = delete;
  ToolPaths(std::initializer_list<PathFlag> flags) : flags_(flags) {}
  const std::vector<PathFlag>& flags() const { return flags_; }
  // Whether it has outputs.
  bool writes() const;

 private:
  std::vector<PathFlag> flags_;
};

// A flag that had another name in an earlier version. The old name is a usage error that gives the new one, on the
// command line as in flag files.
struct RenamedFlag {
  std::string before, now;
};

struct ToolInfo {
  std::string name;       // "infer/detect"
  std::string summary;    // one paragraph: what goes in, what comes out
  std::string arguments;  // "[IMAGE_OR_FOLDER ...]"; empty: positional arguments are a usage error
  ToolPaths paths;
  std::vector<RenamedFlag> renamed = {};
};

// A bad flag or combination of flags: exit code 2. Say which flag, its value and what to give instead.
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

// Work that was asked to stop, and did so at a good place from which it can go on: exit code 3. Say what goes on.
absl::Status Stopped(absl::string_view message);
bool IsStopped(const absl::Status& status);

// UsageError unless VALUE, given as --FLAG, is non-empty.
absl::Status RequireFlag(absl::string_view flag, absl::string_view value);

// Sets the flags from argv and from --flagfile=FILE (one --name=value a line, # comments; a later setting wins), and
// returns the positional arguments. Unknown and renamed flags and bad values are UsageErrors. Relative paths of `bazel
// run` mean the folder that the user typed the command in (BUILD_WORKING_DIRECTORY).
absl::StatusOr<std::vector<std::string>> ParseToolFlags(int argc, char** argv, const ToolInfo& info);

// Runs the tool in a ToolScope (output_guard.h): before RUN starts, its inputs are noted and its outputs are held
// against them. Tools that write take --overwrite, too: to replace an output that is not theirs, or was changed. Exit
// code 0: done; 1: the work failed, by an exception or in writing to stdout as well; 2: usage; 3: Stopped(). Errors go
// to stderr as "Error: ...".
int ToolMain(int argc, char** argv, const ToolInfo& info,
             const std::function<absl::Status(const std::vector<std::string>& arguments)>& run);

// Whether this flag of the tool has another value than its default.
bool FlagDiffers(absl::string_view name);

// The tool's own flags as a table for people: name, effective value, and the default where it differs.
std::string FlagTable();

// The tool's own flags with their effective values, as lines of "--name=value": a run folder keeps them as a flag file.
std::string EffectiveFlags();

}  // namespace hardface

#endif  // HARDFACE_BASE_TOOL_MAIN_H_
