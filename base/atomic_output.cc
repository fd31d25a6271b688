#include "base/atomic_output.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/running_tool.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/written_files.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

constexpr char kTemporaryMark[] = ".tmp-";
constexpr char kOldSuffix[] = ".old";
constexpr char kUnfinishedSuffix[] = ".unfinished";

absl::Status ErrnoError(absl::string_view what, const std::string& path) {
  return absl::InternalError(absl::StrCat(path, ": ", what, ": ", std::strerror(errno)));
}

// Where PATH will be, of a path that leads through folders that are not there yet ("new/../data/x"): they will be made,
// and then it stands for another place than the checks saw.
std::string Reachable(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  if (parent.empty() || IsThere(parent.string())) return path;
  return (fs::path(RealPath(parent.string())) / fs::path(path).filename()).string();
}

// "out/." and "out/..": what is put in place needs a name.
std::string WithoutLastDots(const std::string& path) {
  const std::string last = fs::path(path).filename().string();
  return last == "." || last == ".." ? RealPath(path) : path;
}

// "dir/name" -> "dir/.name.tmp-": the same file system, so that the rename is atomic; hidden, so that no reader of the
// folder takes it for an output. The process's number follows. A name of 255 bytes leaves no room, hence the cut.
std::string TemporaryPrefix(const std::string& path) {
  const fs::path target(path);
  return (target.parent_path() / absl::StrCat(".", target.filename().string().substr(0, 200), kTemporaryMark)).string();
}

// The process that wrote a temporary whose name goes on with REST behind the prefix: "PID", "PID-2", "PID.old".
std::optional<pid_t> OwnerOf(absl::string_view rest) {
  absl::ConsumeSuffix(&rest, kOldSuffix);
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(rest, absl::MaxSplits('-', 1));
  int32_t pid = 0, number = 0;
  const bool numbered = rest.size() > parts.first.size();
  if (!absl::SimpleAtoi(parts.first, &pid) || pid <= 0) return std::nullopt;
  if (numbered && !absl::SimpleAtoi(parts.second, &number)) return std::nullopt;
  return pid;
}

// Whether a process of this number runs. One that was killed keeps its number until somebody asks for its exit code,
// which in a container may be never.
bool Runs(pid_t process) {
  if (kill(process, 0) != 0 && errno == ESRCH) return false;
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", process, "/stat"));
  if (!stat.ok()) return true;
  const size_t state = stat->rfind(") ");  // "PID (NAME) STATE ...", where NAME may be anything
  return state == std::string::npos || state + 2 >= stat->size() || !absl::StrContains("ZX", (*stat)[state + 2]);
}

// Whether nobody writes TEMPORARY any more. Its owner locks it, which is seen from other containers as well, where
// process numbers mean nothing; the number decides on file systems without locks.
bool IsAbandoned(const std::string& temporary, pid_t owner) {
  if (owner != getpid() && Runs(owner)) return false;
  const int descriptor = open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;
  const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return !locked;
}

// A run that was killed between two renames (where the file system cannot exchange) left the old output aside.
void RestoreOld(const std::string& old, const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) fs::rename(old, path, ignored);
}

// Removes what killed processes left of outputs whose temporaries start with PREFIX; PATH is the output, where there is
// one.
void RemoveLeftoversOf(const std::string& folder, absl::string_view prefix, const std::string& path) {
  std::error_code error;
  std::vector<std::string> found;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const size_t mark = prefix.empty() ? name.rfind(kTemporaryMark) : prefix.size() - std::strlen(kTemporaryMark);
    if (name.empty() || name[0] != '.' || mark == std::string::npos || !absl::StartsWith(name, prefix)) continue;
    const std::optional<pid_t> owner = OwnerOf(absl::string_view(name).substr(mark + std::strlen(kTemporaryMark)));
    if (owner.has_value() && IsAbandoned(entry->path().string(), *owner)) found.push_back(entry->path().string());
  }
  for (const std::string& leftover : found) {
    if (!path.empty() && absl::EndsWith(leftover, kOldSuffix)) RestoreOld(leftover, path);
    fs::remove_all(leftover, error);
  }
}

void RemoveLeftoversOfOutput(const std::string& path) {
  RemoveLeftoversOf(fs::path(path).parent_path().string(), fs::path(TemporaryPrefix(path)).filename().string(), path);
}

// Removes the temporaries of files in FOLDER and below, whose owners are gone: the caller has FOLDER for itself.
absl::Status RemoveTemporariesIn(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const size_t mark = name.rfind(kTemporaryMark);
    if (name[0] != '.' || mark == std::string::npos) continue;
    if (OwnerOf(absl::string_view(name).substr(mark + std::strlen(kTemporaryMark))).has_value()) {
      found.push_back(entry->path());
    }
  }
  if (error) return absl::InternalError(absl::StrCat(folder, ": cannot list this folder: ", error.message()));
  for (const fs::path& leftover : found) fs::remove_all(leftover, error);
  return absl::OkStatus();
}

bool HoldsSomething(const std::string& file) {
  std::error_code error;
  const uintmax_t size = fs::file_size(file, error);
  return !error && size > 0;
}

// Whether FOLDER is empty, or a process was killed while it wrote the first file there.
bool HoldsNothingYet(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!absl::StartsWith(entry.path().filename().string(), absl::StrCat(".", kProvenanceName, kTemporaryMark))) {
      return false;
    }
  }
  return !error;
}

// An error where FOLDER, the place of resumable work, is there and is not this tool's.
absl::Status CheckUnfinishedIsOwn(const std::string& folder) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(folder, ignored))) return absl::OkStatus();
  const bool real = fs::is_directory(fs::symlink_status(folder, ignored));
  if (real && (HoldsNothingYet(folder) || WrittenBy(folder) == RunningTool().name)) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(folder, ": the work would be done under this name, and it is there ",
                                               "already, but not of ", RunningTool().name,
                                               ". Move it away, or name another output"));
}

// A name that no other process and no other output of this one uses.
std::string TemporaryName(const std::string& path) {
  const std::string name = absl::StrCat(TemporaryPrefix(path), getpid());
  std::string free = name;
  std::error_code ignored;
  for (int number = 2; fs::exists(fs::symlink_status(free, ignored)); ++number) free = absl::StrCat(name, "-", number);
  return free;
}

// What is asked of an output that a user named: may it be there, and may it replace what is?
absl::Status CheckMayWriteFile(const std::string& path) {
  RETURN_IF_ERROR(CheckOutput(path));
  return CheckReplaceableFile(path);
}

absl::Status CheckMayWriteFolder(const std::string& path) {
  RETURN_IF_ERROR(CheckOutput(path));
  return CheckReplaceableFolder(path);
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

AtomicFile::AtomicFile(std::string path, std::string temporary, std::FILE* file, Replace replace)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(file), replace_(replace) {}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& raw_path, Replace replace) {
  const std::string path = Reachable(raw_path);
  if (path.empty()) return absl::InvalidArgumentError("an output file needs a name; got an empty one");
  const bool claimed = IsInClaimedFolder(path);
  if (claimed || !InTool()) replace = Replace::kAlways;
  if (replace == Replace::kOwn) RETURN_IF_ERROR(CheckMayWriteFile(path));
  if (IsFolder(path)) return absl::AlreadyExistsError(absl::StrCat(path, ": is a folder; name a file"));
  RETURN_IF_ERROR(MakeParent(path));
  if (!claimed && InTool()) RemoveLeftoversOfOutput(path);
  std::string temporary = TemporaryName(path);
  std::FILE* file = std::fopen(temporary.c_str(), "wbxe");
  if (file == nullptr) return ErrnoError("cannot write", temporary);
  flock(fileno(file), LOCK_EX | LOCK_NB);  // a sign of life; where it cannot be given, the process's number is
  return std::unique_ptr<AtomicFile>(new AtomicFile(path, std::move(temporary), file, replace));
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

// Says in PATH.provenance.json what is about to come, after looking once more at what is there now.
absl::Status AtomicFile::Announce() const {
  if (replace_ == Replace::kAlways) return absl::OkStatus();
  RETURN_IF_ERROR(CheckMayWriteFile(path_));
  ASSIGN_OR_RETURN(const std::string hash, HashFile(temporary_));
  ASSIGN_OR_RETURN(const auto provenance, AnnouncedProvenance(path_, hash));
  return WriteFileAtomically(ProvenanceBeside(path_), ProvenanceText(provenance), Replace::kAlways);
}

absl::Status AtomicFile::Commit() {
  if (std::fflush(file_) != 0) return Error("write failed");
  if (fsync(fileno(file_)) != 0) return Error("fsync failed");
  RETURN_IF_ERROR(Announce());
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    absl::Status error = Error("cannot finish");
    unlink(temporary_.c_str());
    return error;
  }
  return SyncParent(path_);
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes, Replace replace) {
  ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path, replace));
  RETURN_IF_ERROR(file->Write(bytes));
  return file->Commit();
}

AtomicFolder::AtomicFolder(std::string path, std::string temporary, int lock, Replace replace)
    : path_(std::move(path)), temporary_(std::move(temporary)), lock_(lock), replace_(replace) {
  ClaimFolder(temporary_);
}

absl::StatusOr<std::unique_ptr<AtomicFolder>> AtomicFolder::Create(const std::string& raw_path, Replace replace) {
  const std::string path = Reachable(WithoutLastDots(WithoutTrailingSlash(raw_path)));
  if (path.empty()) return absl::InvalidArgumentError("an output folder needs a name; got an empty one");
  if (replace == Replace::kOwn) RETURN_IF_ERROR(CheckMayWriteFolder(path));
  RETURN_IF_ERROR(MakeParent(path));
  RemoveLeftoversOfOutput(path);
  std::string temporary = TemporaryName(path);
  std::error_code error;
  fs::create_directory(temporary, error);
  if (error) return absl::InternalError(absl::StrCat(temporary, ": cannot make this folder: ", error.message()));
  const int lock = open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock >= 0) flock(lock, LOCK_EX | LOCK_NB);
  return std::unique_ptr<AtomicFolder>(new AtomicFolder(path, std::move(temporary), lock, replace));
}

absl::StatusOr<std::unique_ptr<AtomicFolder>> AtomicFolder::CreateResumable(const std::string& raw_path,
                                                                            const std::string& progress, Begin begin) {
  const std::string path = Reachable(WithoutLastDots(WithoutTrailingSlash(raw_path)));
  if (path.empty()) return absl::InvalidArgumentError("an output folder needs a name; got an empty one");
  const std::string unfinished = path + kUnfinishedSuffix;
  DeclareOutput(unfinished);
  RETURN_IF_ERROR(CheckMayWriteFolder(path));
  RETURN_IF_ERROR(CheckOutput(unfinished));
  RETURN_IF_ERROR(CheckUnfinishedIsOwn(unfinished));
  RETURN_IF_ERROR(MakeParent(path));
  RemoveLeftoversOfOutput(path);
  std::error_code error;
  fs::create_directory(unfinished, error);
  if (error) return absl::InternalError(absl::StrCat(unfinished, ": cannot make this folder: ", error.message()));
  const int lock = open(unfinished.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return ErrnoError("cannot open this folder", unfinished);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock);
    return absl::UnavailableError(absl::StrCat(unfinished, ": another process is at work on this output"));
  }
  std::unique_ptr<AtomicFolder> folder(new AtomicFolder(path, unfinished, lock, Replace::kOwn));
  folder->progress_ = absl::StrCat(unfinished, "/", progress);
  folder->goes_on_ = HoldsSomething(folder->progress_);
  if (begin == Begin::kGoOn && folder->goes_on_) {
    RETURN_IF_ERROR(RemoveTemporariesIn(unfinished));
    return folder;
  }
  if (folder->goes_on_ && !OverwritingAllowed()) {
    return absl::AlreadyExistsError(absl::StrCat(unfinished, ": holds what an interrupted run has done. Go on with it ",
                                                 "by --resume, or give --overwrite to lose it and begin anew"));
  }
  folder->goes_on_ = false;
  for (const auto& entry : fs::directory_iterator(unfinished, error)) fs::remove_all(entry.path(), error);
  return folder;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  const bool stays = !progress_.empty() && HoldsSomething(progress_);
  if (!committed_ && !stays) fs::remove_all(temporary_, ignored);
  if (lock_ >= 0) close(lock_);
  ReleaseFolder(temporary_);
}

absl::Status AtomicFolder::RecordFiles() const {
  const std::string path = absl::StrCat(temporary_, "/", kProvenanceName);
  nlohmann::ordered_json provenance = ToolProvenance();
  if (IsThere(path)) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    provenance = nlohmann::ordered_json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
    if (!provenance.is_object()) return absl::InternalError(absl::StrCat(path, ": is no JSON object"));
    if (!provenance.contains("tool")) provenance["tool"] = RunningTool().name;
  }
  ASSIGN_OR_RETURN(provenance["files"], FilesOf(temporary_));
  return WriteFileAtomically(path, ProvenanceText(provenance), Replace::kAlways);
}

absl::Status AtomicFolder::PutInPlace() const {
  std::error_code error;
  if (!fs::exists(path_, error)) {
    return std::rename(temporary_.c_str(), path_.c_str()) == 0 ? absl::OkStatus() : ErrnoError("cannot finish", path_);
  }
  // Exchange, so that at no moment the name stands for nothing; then remove the old content. Not with resumable work: a
  // process killed between the two would leave the old content where the next one looks for work to go on with.
  if (progress_.empty() && renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(temporary_, error);
    return absl::OkStatus();
  }
  // Also for file systems without RENAME_EXCHANGE: the gap is two system calls long.
  const std::string old = (progress_.empty() ? temporary_ : TemporaryName(path_)) + kOldSuffix;
  if (std::rename(path_.c_str(), old.c_str()) != 0) return ErrnoError("cannot replace", path_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    absl::Status failed = ErrnoError("cannot replace", path_);
    RestoreOld(old, path_);
    return failed;
  }
  fs::remove_all(old, error);
  return absl::OkStatus();
}

// All that can go wrong before the folder is put in place.
absl::Status AtomicFolder::Finish() const {
  RETURN_IF_ERROR(RecordFiles());
  std::error_code error;
  fs::recursive_directory_iterator entry(temporary_, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    RETURN_IF_ERROR(SyncPath(entry->path().string()));
  }
  if (error) return absl::InternalError(absl::StrCat(temporary_, ": cannot list this folder: ", error.message()));
  RETURN_IF_ERROR(SyncPath(temporary_));
  return replace_ == Replace::kOwn ? CheckMayWriteFolder(path_) : absl::OkStatus();
}

absl::Status AtomicFolder::Commit() {
  RETURN_IF_ERROR(Finish());
  RETURN_IF_ERROR(PutInPlace());
  committed_ = true;
  return SyncParent(path_);
}

absl::Status AtomicFolder::CommitTogether(const std::vector<AtomicFolder*>& folders) {
  if (folders.size() == 1) return folders[0]->Commit();
  for (const AtomicFolder* folder : folders) RETURN_IF_ERROR(folder->Finish());
  // What was renamed so far, as (from, to). The old folders bear names of leftovers, which the next run removes; it
  // does not put them back, as it does with kOldSuffix, since others of their kind may be gone by then.
  std::vector<std::pair<std::string, std::string>> renamed;
  const auto rename = [&renamed](const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) return ErrnoError("cannot replace", to);
    renamed.emplace_back(from, to);
    return absl::OkStatus();
  };
  const auto rename_all = [&]() -> absl::Status {
    for (const AtomicFolder* folder : folders) {
      if (IsThere(folder->path_)) RETURN_IF_ERROR(rename(folder->path_, TemporaryName(folder->path_)));
    }
    for (const AtomicFolder* folder : folders) RETURN_IF_ERROR(rename(folder->temporary_, folder->path_));
    return absl::OkStatus();
  };
  if (absl::Status status = rename_all(); !status.ok()) {
    for (auto done = renamed.rbegin(); done != renamed.rend(); ++done) {
      std::rename(done->second.c_str(), done->first.c_str());
    }
    return status;
  }
  for (AtomicFolder* folder : folders) folder->committed_ = true;
  std::error_code ignored;
  for (size_t old = 0; old + folders.size() < renamed.size(); ++old) fs::remove_all(renamed[old].second, ignored);
  for (const AtomicFolder* folder : folders) RETURN_IF_ERROR(SyncParent(folder->path_));
  return absl::OkStatus();
}

void RemoveLeftovers(const std::string& folder) { RemoveLeftoversOf(folder, /*prefix=*/"", /*path=*/""); }

}  // namespace hardface
