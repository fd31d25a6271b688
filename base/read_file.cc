#include "base/read_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/broken_link.h"
#include "base/special_file.h"
#include "base/status_macros.h"

namespace hardface {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  RETURN_IF_ERROR(CheckIsNotSpecial(path));
  return ReadFileOrPipe(path);
}

absl::StatusOr<std::string> ReadFileOrPipe(const std::string& path) {
  RETURN_IF_ERROR(CheckIsFile(path));
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    const std::string message = absl::StrCat(path, ": cannot read: ", std::strerror(errno), BrokenLink(path));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::InternalError(message);
  }
  std::string bytes;
  char chunk[1 << 16];
  size_t count;
  while ((count = std::fread(chunk, 1, sizeof(chunk), file)) > 0) bytes.append(chunk, count);
  const bool failed = std::ferror(file) != 0;
  const int error = errno;
  std::fclose(file);
  if (failed) return absl::InternalError(absl::StrCat(path, ": read failed: ", std::strerror(error)));
  return bytes;
}

absl::StatusOr<bool> PathExists(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return false;
  if (!error) return true;
  return absl::InternalError(absl::StrCat(path, ": cannot look whether this is there: ", error.message()));
}

}  // namespace hardface
