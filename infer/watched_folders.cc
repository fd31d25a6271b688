#include "infer/watched_folders.h"

#include <sys/stat.h>

#include "base/status_macros.h"
#include "infer/images_to_detect.h"

namespace hardface::infer {

absl::StatusOr<std::vector<std::string>> WatchedFolders::Look() {
  std::vector<std::string> complete;
  std::map<std::string, State> coming;
  for (const std::string& folder : folders_) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, PicturesBelow(folder));
    for (const std::string& file : files) {
      struct stat info;
      if (known_.count(file) > 0 || stat(file.c_str(), &info) != 0) continue;  // it may have gone again
      const State state(info.st_size, int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec);
      const auto before = coming_.find(file);
      if (before == coming_.end() || before->second != state) {
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
