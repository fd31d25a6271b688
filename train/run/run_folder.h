// The folder of a training's run: whether one may start or go on in it.
#ifndef HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
#define HARDFACE_TRAIN_RUN_RUN_FOLDER_H_

#include <string>

#include "absl/status/status.h"

namespace hardface::train {

// Takes FOLDER for this training, which from then on writes in it as it likes. An error where it holds anything but a
// run of this tool, or a run that would be lost: checkpoints without RESUME, or a model whose checkpoints are gone.
absl::Status ClaimRunFolder(const std::string& folder, bool resume);

// Keeps other trainings out of a run while it lives, wherever the file system has locks. A killed one leaves none
// behind.
class RunFolderLock {
 public:
  RunFolderLock() = default;
  ~RunFolderLock();
  RunFolderLock(const RunFolderLock&) = delete;
  RunFolderLock& operator=(const RunFolderLock&) = delete;

  // Nothing where FOLDER is not there yet: to be asked again then. An error where another training holds it.
  absl::Status Take(const std::string& folder);

 private:
  int descriptor_ = -1;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
