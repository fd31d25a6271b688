#include "base/output_guard.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

struct Input {
  std::string path;  // as it was given, for messages
  std::string real;
  InputKind kind;
  InputCheck check;
};

// Guards the tool's inputs and outputs; worker threads open files, too.
struct Guard {
  absl::Mutex mutex;
  bool in_tool ABSL_GUARDED_BY(mutex) = false;
  bool overwrite ABSL_GUARDED_BY(mutex) = false;
  std::vector<Input> inputs ABSL_GUARDED_BY(mutex);
  std::set<std::tuple<std::string, InputKind, bool>> known ABSL_GUARDED_BY(mutex);
  std::vector<std::string> outputs ABSL_GUARDED_BY(mutex);                     // real paths
  std::set<std::string> claimed ABSL_GUARDED_BY(mutex);                        // normal paths that end in "/"
  std::set<std::pair<std::string, std::string>> asked ABSL_GUARDED_BY(mutex);  // (output, input) whose check passed
};

Guard& TheGuard() {
  static Guard* const guard = new Guard;
  return *guard;
}

bool SameOnDisk(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// INPUT as messages name it: as given, and where that is.
std::string Named(const std::string& input, const std::string& real) {
  return real == input ? input : absl::StrCat(input, " (", real, ")");
}

absl::Status Refuse(const std::string& output, const std::string& harm, const std::string& input,
                    const std::string& real) {
  return absl::InvalidArgumentError(absl::StrCat(output, ": this output would ", harm, " ", Named(input, real),
                                                 ", which is read; nothing was written. Name another output"));
}

// Also where the path leads through folders that are not there yet ("new/../data"): they will be made.
bool WillBeThere(const std::string& output) { return IsThere(RealPath(output)); }

// Whether OUTPUT replaces INPUT.
absl::Status CheckNotReplaced(const std::string& output, const std::string& input, const std::string& real_input) {
  if (!WillBeThere(output) || !LiesWithin(real_input, output)) return absl::OkStatus();
  return Refuse(output, "replace", input, real_input);
}

absl::Status CheckNotInside(const std::string& output, const std::string& input, const std::string& real_input) {
  if (!IsFolder(input) || !LiesWithin(output, real_input)) return absl::OkStatus();
  return Refuse(output, WillBeThere(output) ? "replace a part of" : "lie in", input, real_input);
}

bool HoldsCurrentFolder(const std::string& folder) { return LiesWithin(".", folder); }

// Whether the images' folder IMAGES is just where everything lies.
bool IsCommonPlace(const Input& images, const std::vector<Input>& inputs) {
  if (HoldsCurrentFolder(images.real)) return true;
  return std::any_of(inputs.begin(), inputs.end(), [&](const Input& other) {
    return other.kind != InputKind::kImages && LiesWithin(other.real, images.real);
  });
}

absl::Status CheckDeclared(const std::string& output, const std::vector<std::string>& declared) {
  const std::string real = RealPath(output);
  const bool named =
      std::any_of(declared.begin(), declared.end(), [&](const std::string& path) { return IsWithin(real, path); });
  if (named) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(output,
                                          ": the tool writes a file that no flag of its table of outputs names "
                                          "(ToolInfo, base/tool_main.h); please report this error"));
}

// Asks the input's own check once for an output that exists.
absl::Status AskFurther(const std::string& output, const Input& input) {
  if (input.check == nullptr || !WillBeThere(output)) return absl::OkStatus();
  Guard& guard = TheGuard();
  const std::pair<std::string, std::string> question(RealPath(output), input.real);
  {
    const absl::MutexLock lock(&guard.mutex);
    if (guard.asked.count(question) > 0) return absl::OkStatus();
  }
  RETURN_IF_ERROR(input.check(output));
  const absl::MutexLock lock(&guard.mutex);
  guard.asked.insert(question);
  return absl::OkStatus();
}

std::string Normal(const std::string& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal().string();
}

}  // namespace

std::string RealPath(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path.empty() ? "." : path, error);
  const fs::path real = fs::weakly_canonical(whole, error);
  return WithoutTrailingSlash(error ? whole.lexically_normal().string() : real.string());
}

bool IsWithin(const std::string& path, const std::string& folder) {
  return path == folder || absl::StartsWith(path, absl::EndsWith(folder, "/") ? folder : folder + "/");
}

bool LiesWithin(const std::string& path, const std::string& folder) {
  const std::string real_path = RealPath(path), real_folder = RealPath(folder);
  if (IsWithin(real_path, real_folder)) return true;
  struct stat of_folder, of_parent;
  if (stat(real_folder.c_str(), &of_folder) != 0) return false;
  for (fs::path parent = real_path;; parent = parent.parent_path()) {
    if (stat(parent.c_str(), &of_parent) == 0 && SameOnDisk(of_folder, of_parent)) return true;
    if (parent == parent.parent_path()) return false;
  }
}

absl::Status CheckSpares(const std::string& output, const std::string& input, InputKind kind) {
  if (kind == InputKind::kFile && !WillBeThere(output)) return absl::OkStatus();  // nothing will be replaced
  const std::string real = RealPath(input);
  RETURN_IF_ERROR(CheckNotReplaced(output, input, real));
  const bool inside_is_fine = kind == InputKind::kFile || (kind == InputKind::kImages && HoldsCurrentFolder(real));
  return inside_is_fine ? absl::OkStatus() : CheckNotInside(output, input, real);
}

ToolScope::ToolScope() {
  const absl::MutexLock lock(&TheGuard().mutex);
  TheGuard().in_tool = true;
}

ToolScope::~ToolScope() {
  Guard& guard = TheGuard();
  const absl::MutexLock lock(&guard.mutex);
  guard.in_tool = guard.overwrite = false;
  guard.inputs.clear();
  guard.known.clear();
  guard.outputs.clear();
  guard.claimed.clear();
  guard.asked.clear();
}

bool InTool() {
  const absl::MutexLock lock(&TheGuard().mutex);
  return TheGuard().in_tool;
}

void ProtectInput(const std::string& path, InputKind kind, InputCheck check) {
  if (!InTool()) return;
  Input input{path, RealPath(path), kind, std::move(check)};
  Guard& guard = TheGuard();
  const absl::MutexLock lock(&guard.mutex);
  // A second mention adds nothing, but for a check that the first did not bring.
  const bool checks = input.check != nullptr;
  if (guard.known.emplace(input.real, kind, checks).second) guard.inputs.push_back(std::move(input));
}

void DeclareOutput(const std::string& path) {
  std::string real = RealPath(path);
  const absl::MutexLock lock(&TheGuard().mutex);
  TheGuard().outputs.push_back(std::move(real));
}

absl::Status CheckOutput(const std::string& output) {
  Guard& guard = TheGuard();
  std::vector<Input> inputs;
  std::vector<std::string> declared;
  {
    const absl::MutexLock lock(&guard.mutex);
    if (!guard.in_tool) return absl::OkStatus();
    inputs = guard.inputs;
    declared = guard.outputs;
  }
  RETURN_IF_ERROR(CheckDeclared(output, declared));
  for (const Input& input : inputs) RETURN_IF_ERROR(CheckNotReplaced(output, input.path, input.real));
  for (const Input& input : inputs) {
    const bool inside_is_fine =
        input.kind == InputKind::kFile || (input.kind == InputKind::kImages && IsCommonPlace(input, inputs));
    if (!inside_is_fine) RETURN_IF_ERROR(CheckNotInside(output, input.path, input.real));
  }
  for (const Input& input : inputs) RETURN_IF_ERROR(AskFurther(output, input));
  return absl::OkStatus();
}

void AllowOverwriting(bool allowed) {
  const absl::MutexLock lock(&TheGuard().mutex);
  TheGuard().overwrite = allowed;
}

bool OverwritingAllowed() {
  const absl::MutexLock lock(&TheGuard().mutex);
  return TheGuard().overwrite;
}

void ClaimFolder(const std::string& folder) {
  const absl::MutexLock lock(&TheGuard().mutex);
  TheGuard().claimed.insert(WithoutTrailingSlash(Normal(folder)) + "/");
}

void ReleaseFolder(const std::string& folder) {
  const absl::MutexLock lock(&TheGuard().mutex);
  TheGuard().claimed.erase(WithoutTrailingSlash(Normal(folder)) + "/");
}

bool IsInClaimedFolder(const std::string& path) {
  const std::string normal = Normal(path);
  const absl::MutexLock lock(&TheGuard().mutex);
  const auto& claimed = TheGuard().claimed;
  return std::any_of(claimed.begin(), claimed.end(),
                     [&](const std::string& folder) { return absl::StartsWith(normal, folder); });
}

}  // namespace hardface
