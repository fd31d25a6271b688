#include "base/atomic_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

absl::Status ErrnoError(absl::string_view what, const std::string& path) {
  return absl::InternalError(absl::StrCat(path, ": ", what, ": ", std::strerror(errno)));
}

std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// "dir/name" -> "dir/.name.tmp-PID": the same file system, so that the rename is atomic; hidden, so that no reader of
// the folder takes it for an output. A name of 255 bytes leaves no room, hence the cut.
std::string TemporaryName(const std::string& path) {
  const fs::path target(path);
  const std::string suffix = absl::StrCat(".tmp-", getpid());
  return (target.parent_path() / absl::StrCat(".", target.filename().string().substr(0, 200), suffix)).string();
}

absl::Status MakeParent(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  if (parent.empty()) return absl::OkStatus();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    return absl::InternalError(absl::StrCat(parent.string(), ": cannot make this folder: ", error.message()));
  }
  return absl::OkStatus();
}

absl::Status SyncPath(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoError("cannot open to sync", path);
  const int result = fsync(descriptor);
  close(descriptor);
  if (result != 0) return ErrnoError("fsync failed", path);
  return absl::OkStatus();
}

absl::Status SyncParent(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return SyncPath(parent.empty() ? "." : parent.string());
}

}  // namespace

AtomicFile::AtomicFile(std::string path, std::string temporary, std::FILE* file)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(file) {}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("an output file needs a name; got an empty one");
  if (IsFolder(path)) return absl::AlreadyExistsError(absl::StrCat(path, ": is a folder; name a file"));
  RETURN_IF_ERROR(MakeParent(path));
  std::string temporary = TemporaryName(path);
  std::FILE* file = std::fopen(temporary.c_str(), "wbe");
  if (file == nullptr) return ErrnoError("cannot write", temporary);
  return std::unique_ptr<AtomicFile>(new AtomicFile(path, std::move(temporary), file));
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  unlink(temporary_.c_str());
}

absl::Status AtomicFile::Error(absl::string_view what) const {
  return absl::InternalError(
      absl::StrCat(path_, ": ", what, ": ", std::strerror(errno), " (an existing file of this name is unchanged)"));
}

absl::Status AtomicFile::Write(absl::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) return Error("write failed");
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  if (std::fflush(file_) != 0) return Error("write failed");
  if (fsync(fileno(file_)) != 0) return Error("fsync failed");
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const absl::Status error = Error("cannot finish");
    unlink(temporary_.c_str());
    return error;
  }
  return SyncParent(path_);
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes) {
  ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file->Write(bytes));
  return file->Commit();
}

AtomicFolder::AtomicFolder(std::string path, std::string temporary)
    : path_(std::move(path)), temporary_(std::move(temporary)) {}

absl::StatusOr<std::unique_ptr<AtomicFolder>> AtomicFolder::Create(const std::string& raw_path) {
  const std::string path = WithoutTrailingSlash(raw_path);
  if (path.empty()) return absl::InvalidArgumentError("an output folder needs a name; got an empty one");
  RETURN_IF_ERROR(MakeParent(path));
  std::error_code error;
  if (fs::exists(path, error)) {
    const bool replaceable =
        fs::is_directory(path, error) && (fs::is_empty(path, error) || fs::exists(path + "/provenance.json", error));
    if (!replaceable) {
      return absl::AlreadyExistsError(absl::StrCat(
          path,
          ": exists and is no output of these tools (it has no provenance.json). Remove it or name another folder"));
    }
  }
  std::string temporary = TemporaryName(path);
  fs::remove_all(temporary, error);
  fs::create_directory(temporary, error);
  if (error) return absl::InternalError(absl::StrCat(temporary, ": cannot make this folder: ", error.message()));
  return std::unique_ptr<AtomicFolder>(new AtomicFolder(path, std::move(temporary)));
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

absl::Status AtomicFolder::Commit() {
  std::error_code error;
  fs::recursive_directory_iterator entry(temporary_, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    RETURN_IF_ERROR(SyncPath(entry->path().string()));
  }
  if (error) return absl::InternalError(absl::StrCat(temporary_, ": cannot list this folder: ", error.message()));
  RETURN_IF_ERROR(SyncPath(temporary_));
  if (fs::exists(path_, error)) {
    // Exchange, so that at no moment the name stands for nothing; then remove the old content.
    if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
      // File systems without RENAME_EXCHANGE: the gap is two system calls long.
      const std::string old = temporary_ + ".old";
      if (std::rename(path_.c_str(), old.c_str()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return ErrnoError("cannot replace", path_);
      }
      fs::remove_all(old, error);
    } else {
      fs::remove_all(temporary_, error);
    }
  } else if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return ErrnoError("cannot finish", path_);
  }
  committed_ = true;
  return SyncParent(path_);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (IsFolder(path)) return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, not a file"));
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    const std::string message = absl::StrCat(path, ": cannot read: ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::InternalError(message);
  }
  std::string bytes;
  char chunk[1 << 16];
  size_t count;
  while ((count = std::fread(chunk, 1, sizeof(chunk), file)) > 0) bytes.append(chunk, count);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return ErrnoError("read failed", path);
  return bytes;
}

absl::StatusOr<bool> PathExists(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (!error) return true;
  return absl::InternalError(absl::StrCat(path, ": cannot look whether this is there: ", error.message()));
}

std::string RealPath(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path.empty() ? "." : path, error);
  const fs::path real = fs::weakly_canonical(whole, error);
  return WithoutTrailingSlash(error ? whole.lexically_normal().string() : real.string());
}

bool IsWithin(const std::string& path, const std::string& folder) {
  return path == folder || absl::StartsWith(path, absl::EndsWith(folder, "/") ? folder : folder + "/");
}

absl::Status CheckSpares(const std::string& output, const std::string& input) {
  std::error_code ignored;
  if (!fs::exists(output, ignored)) return absl::OkStatus();  // nothing will be replaced
  const std::string real_input = RealPath(input);
  if (!IsWithin(real_input, RealPath(output))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(output, ": this output would replace ", input,
                                                 real_input == input ? "" : absl::StrCat(" (", real_input, ")"),
                                                 ", which is read; nothing was written. Name another output"));
}

}  // namespace hardface
