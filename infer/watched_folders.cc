#include "infer/watched_folders.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/status_macros.h"
#include "infer/images_to_detect.h"

namespace hardface::infer {

namespace {

constexpr int64_t kUnchangedMs = 1000;

// Whether a program of this machine has FILE open for writing. The system gives no lease for reading then; where it
// gives none for other reasons (another's file, a file system without leases), nothing is known, and this is false.
bool IsBeingWritten(const std::string& file) {
  const int opened = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return false;
  const bool busy = fcntl(opened, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
  close(opened);  // the lease ends
  return busy;
}

}  // namespace

int64_t WatchedFolders::SteadyMilliseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

absl::StatusOr<std::vector<std::string>> WatchedFolders::Look() {
  // Who opens a file for writing while this has the lease would send this signal, which ends a process.
  signal(SIGIO, SIG_IGN);
  const int64_t now = clock_();
  std::vector<std::string> complete;
  std::map<std::string, State> coming;
  for (const std::string& folder : folders_) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, PicturesBelow(folder));
    for (const std::string& file : files) {
      struct stat info;
      if (known_.count(file) > 0 || stat(file.c_str(), &info) != 0) continue;  // it may have gone again
      State state{info.st_size, int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec, now};
      const auto before = coming_.find(file);
      if (before != coming_.end() && before->second.bytes == state.bytes && before->second.changed == state.changed) {
        state.seen = before->second.seen;
      }
      if (now - state.seen < kUnchangedMs || IsBeingWritten(file)) {
        coming.emplace(file, state);
        continue;
      }
      known_.insert(file);
      complete.push_back(file);
    }
  }
  coming_ = std::move(coming);
  return complete;
}

}  // namespace hardface::infer
