// Folders into which pictures come while they are watched.
#ifndef HARDFACE_INFER_WATCHED_FOLDERS_H_
#define HARDFACE_INFER_WATCHED_FOLDERS_H_

#include <cstdint>
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
  explicit WatchedFolders(std::vector<std::string> folders) : folders_(std::move(folders)) {}

  // The picture is known: Look() will not give it.
  void Know(const std::string& file) { known_.insert(file); }

  // Pictures below the folders (PicturesBelow) that no earlier call gave and that have the size and the time of their
  // last change that the last call saw: nobody writes them any more.
  absl::StatusOr<std::vector<std::string>> Look();

 private:
  using State = std::pair<int64_t, int64_t>;  // bytes, time of the last change

  const std::vector<std::string> folders_;
  std::set<std::string> known_;
  std::map<std::string, State> coming_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_WATCHED_FOLDERS_H_
