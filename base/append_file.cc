#include "base/append_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface {

AppendFile::AppendFile(std::string path, std::FILE* file, int64_t size)
    : path_(std::move(path)), file_(file), size_(size) {}

AppendFile::~AppendFile() { std::fclose(file_); }

absl::Status AppendFile::Error(absl::string_view what) const {
  return absl::InternalError(absl::StrCat(path_, ": ", what, ": ", std::strerror(errno)));
}

absl::StatusOr<std::unique_ptr<AppendFile>> AppendFile::Open(const std::string& path, int64_t keep_bytes) {
  std::FILE* const file = std::fopen(path.c_str(), "abe");
  if (file == nullptr) {
    return absl::InternalError(absl::StrCat(path, ": cannot write: ", std::strerror(errno)));
  }
  std::unique_ptr<AppendFile> opened(new AppendFile(path, file, 0));
  struct stat state;
  if (fstat(fileno(file), &state) != 0) return opened->Error("cannot tell its size");
  opened->size_ = std::min<int64_t>(keep_bytes, state.st_size);
  if (ftruncate(fileno(file), opened->size_) != 0) return opened->Error("cannot cut it back");
  return opened;
}

absl::Status AppendFile::Append(absl::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return Error("write failed");
  size_ += static_cast<int64_t>(text.size());
  return absl::OkStatus();
}

absl::Status AppendFile::Flush() { return std::fflush(file_) == 0 ? absl::OkStatus() : Error("write failed"); }

absl::Status AppendFile::Sync() {
  RETURN_IF_ERROR(Flush());
  return fsync(fileno(file_)) == 0 ? absl::OkStatus() : Error("fsync failed");
}

}  // namespace hardface
