// The folder of a training's run: whether one may start or go on in it, and what the leading rank writes there.
#ifndef HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
#define HARDFACE_TRAIN_RUN_RUN_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "train/run/run_log.h"

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

// What a run's provenance names, and where its logs go on.
struct RunStart {
  std::string manifest_path, manifest_hash;     // of the dataset
  std::vector<std::string> inputs;              // other files: start weights, the teacher
  int64_t iteration = 0;                        // steps done; above 0 the run goes on from a checkpoint
  int64_t metrics_bytes = 0, ledger_bytes = 0;  // of the logs that the checkpoint names (run_log.h)
};

// The folder as the rank that leads a training uses it.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  // Before any work: takes the lock where the folder is there, and claims it.
  absl::Status Claim(bool resume);
  // Says MESSAGE on stderr; before Start(), which writes it into messages.txt.
  void Tell(const std::string& message);
  // Writes provenance.json and flags.txt, tells which settings have changed since the checkpoint, and opens the logs.
  absl::Status Start(const RunStart& start);

  const std::string& path() const { return path_; }
  // After Start().
  RunLog* log() { return log_.get(); }

 private:
  const std::string path_;
  RunFolderLock lock_;
  std::vector<std::string> messages_;
  std::unique_ptr<RunLog> log_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
