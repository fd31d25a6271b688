#include "model/cuda/plan_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/check.h"
#include "base/read_file.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

// Version 1 named engines by their places in cuDNN's list.
constexpr absl::string_view kHeader = "hardface.cudnn_plans 2\n";
constexpr absl::string_view kAnyHeader = "hardface.cudnn_plans ";

absl::StatusOr<std::map<std::string, std::string>> Read(const std::string& path) {
  std::map<std::string, std::string> choices;
  ASSIGN_OR_RETURN(const bool exists, PathExists(path));
  if (!exists) return choices;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (text.compare(0, kHeader.size(), kHeader.data(), kHeader.size()) != 0) {
    if (text.compare(0, kAnyHeader.size(), kAnyHeader.data(), kAnyHeader.size()) == 0) return choices;
    return absl::InvalidArgumentError(absl::StrCat(path, ":1: not a cache of cuDNN plans; delete or move the file"));
  }
  int line = 1;
  for (const absl::string_view entry :
       absl::StrSplit(absl::string_view(text).substr(kHeader.size()), '\n', absl::SkipEmpty())) {
    ++line;
    const std::vector<std::string> parts = absl::StrSplit(entry, '\t');
    if (parts.size() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", line, ": not a key, a tab and a choice; delete the file"));
    }
    choices[parts[0]] = parts[1];
  }
  return choices;
}

// Held while the file is read, merged and replaced, against other processes. The lock is on a file beside it, since
// the file itself is replaced.
class FileLock {
 public:
  static absl::StatusOr<FileLock> Take(const std::string& path) {
    FileLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (lock.descriptor_ < 0 || ::flock(lock.descriptor_, LOCK_EX) != 0) {
      return absl::UnavailableError(absl::StrCat(path, ": cannot be locked: ", std::strerror(errno)));
    }
    return lock;
  }
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  FileLock() = default;
  int descriptor_ = -1;
};

}  // namespace

std::shared_ptr<PlanCache> PlanCache::Open(const std::string& path) {
  std::shared_ptr<PlanCache> cache(new PlanCache(path));
  if (path.empty()) return cache;
  auto choices = Read(path);
  if (!choices.ok()) cache->Warn(choices.status());
  if (choices.ok()) cache->choices_ = *std::move(choices);
  return cache;
}

std::shared_ptr<PlanCache> PlanCache::Shared(const std::string& path) {
  static auto* const mutex = new std::mutex;
  // Held by those who use them, so that the last of these saves.
  static auto* const caches = new std::map<std::string, std::weak_ptr<PlanCache>>;
  const std::lock_guard<std::mutex> lock(*mutex);
  std::shared_ptr<PlanCache> cache = (*caches)[path].lock();
  if (cache == nullptr) (*caches)[path] = cache = Open(path);
  return cache;
}

PlanCache::~PlanCache() { Save(); }

std::optional<std::string> PlanCache::Find(const std::string& key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = choices_.find(key);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

std::string PlanCache::Insert(const std::string& key, const std::string& choice,
                              const std::optional<std::string>& known) {
  HARDFACE_CHECK(key.find_first_of("\t\n") == std::string::npos && choice.find_first_of("\t\n") == std::string::npos);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = choices_.find(key);
  if (found != choices_.end() && found->second != known) return found->second;
  choices_[key] = choice;
  unsaved_ = true;
  return choice;
}

void PlanCache::Save() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!unsaved_ || !usable_ || path_.empty()) return;
  if (const absl::Status written = Write(); !written.ok()) Warn(written);
  unsaved_ = false;
}

absl::Status PlanCache::Write() {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);  // the lock's error says why
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(path_ + ".lock"));
  ASSIGN_OR_RETURN(const auto others, Read(path_));
  choices_.insert(others.begin(), others.end());  // ours stay where both have a key
  std::string text(kHeader);
  for (const auto& [name, value] : choices_) absl::StrAppend(&text, name, "\t", value, "\n");
  return WriteFileAtomically(path_, text, Replace::kAlways);
}

void PlanCache::Warn(const absl::Status& why) {
  usable_ = false;
  absl::FPrintF(stderr,
                "warning: the choice of cuDNN's engines is not kept, and engines are timed again in the next run: %s\n",
                why.message());
}

std::string PlanCache::DefaultPath() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return absl::StrCat(cache, "/hardface/cudnn_plans.txt");
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? "" : absl::StrCat(home, "/.cache/hardface/cudnn_plans.txt");
}

}  // namespace hardface::model
