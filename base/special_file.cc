#include "base/special_file.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "absl/strings/str_cat.h"

namespace hardface {
namespace {

// Linux's numbers (Documentation/admin-guide/devices.txt): 1 stands for memory devices, of which 3 is /dev/null.
bool IsMemoryDevice(const struct stat& status) { return S_ISCHR(status.st_mode) && major(status.st_rdev) == 1; }

bool IsNull(const struct stat& status) { return IsMemoryDevice(status) && minor(status.st_rdev) == 3; }

bool IsEndless(const struct stat& status) {
  return S_ISBLK(status.st_mode) || (IsMemoryDevice(status) && !IsNull(status));
}

}  // namespace

std::string SpecialFileKind(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || IsNull(status)) return "";
  if (S_ISFIFO(status.st_mode)) return "pipe";
  if (S_ISSOCK(status.st_mode)) return "socket";
  return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? "device" : "";
}

bool IsEndless(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && IsEndless(status);
}

absl::Status CheckIsNotSpecial(const std::string& path) {
  const std::string kind = SpecialFileKind(path);
  return kind.empty() ? absl::OkStatus()
                      : absl::InvalidArgumentError(absl::StrCat(path, ": is a ", kind, ", not a file"));
}

absl::Status CheckIsFile(const std::string& path, absl::string_view hint) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return absl::OkStatus();
  const char* const kind = S_ISDIR(status.st_mode) ? "folder" : IsEndless(status) ? "device" : nullptr;
  if (kind == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": is a ", kind, ", not a file", hint.empty() ? "" : "; ", hint));
}

}  // namespace hardface
