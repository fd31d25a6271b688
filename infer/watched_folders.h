// Folders into which pictures come while they are watched.
#ifndef HARDFACE_INFER_WATCHED_FOLDERS_H_
#define HARDFACE_INFER_WATCHED_FOLDERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::infer {

// By listing them again and again, which works on every file system, those of other machines included.
class WatchedFolders {
 public:
  // CLOCK gives the time in milliseconds, from whenever on.
  explicit WatchedFolders(std::vector<std::string> folders, std::function<int64_t()> clock = SteadyMilliseconds)
      : folders_(std::move(folders)), clock_(std::move(clock)) {}

  // The picture is known: Look() will not give it.
  void Know(const std::string& file) { known_.insert(file); }

  // Pictures below the folders (PicturesBelow) that no earlier call gave and that nobody writes any more: they have the
  // size and the time of their last change that an earlier call saw at least a second ago, and no program of this
  // machine, as far as the system tells, has them open for writing.
  absl::StatusOr<std::vector<std::string>> Look();

 private:
  struct State {
    int64_t bytes = 0, changed = 0;  // size, time of the last change
    int64_t seen = 0;                // when they were first so
  };

  static int64_t SteadyMilliseconds();

  const std::vector<std::string> folders_;
  const std::function<int64_t()> clock_;
  std::set<std::string> known_;
  std::map<std::string, State> coming_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_WATCHED_FOLDERS_H_
