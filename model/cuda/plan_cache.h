// What autotuning found, kept in a file: timing a convolution's engines takes seconds, and the answer stays the same
// for a device, a driver and a cuDNN. The file is a convenience: where it cannot be read or written a warning says so
// once, and work goes on without.
#ifndef HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
#define HARDFACE_MODEL_CUDA_PLAN_CACHE_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace hardface::model {

// A text file: a header line, then "KEY<tab>CHOICE" lines, sorted. Keys name device, driver, library versions and
// problem; keys and choices have neither tabs nor line ends. Thread-safe; processes may share a file.
class PlanCache {
 public:
  // Reads PATH; a missing file is an empty cache, and so is one of an earlier version. A file of another form is left
  // alone, with a warning. Empty PATH: nothing is kept.
  static std::shared_ptr<PlanCache> Open(const std::string& path);
  // The one cache of this process for PATH: GPUs of one kind then compute the same bits, although each has timed the
  // engines for itself.
  static std::shared_ptr<PlanCache> Shared(const std::string& path);
  // Saves, too.
  ~PlanCache();
  PlanCache(const PlanCache&) = delete;
  PlanCache& operator=(const PlanCache&) = delete;

  std::optional<std::string> Find(const std::string& key) const;
  // Makes CHOICE that of KEY, for which Find() had given KNOWN, unless another thread was first. Returns the choice
  // that stands, in memory; Save() writes it.
  std::string Insert(const std::string& key, const std::string& choice, const std::optional<std::string>& known);
  // Writes what was inserted since the last time, merged with what other processes have written meanwhile, of whom
  // the last to write wins a key; nothing where nothing is new. To be called after a round of tuning.
  void Save();

  // $XDG_CACHE_HOME/hardface/cudnn_plans.txt or ~/.cache/...; empty when neither is set.
  static std::string DefaultPath();

 private:
  explicit PlanCache(std::string path) : path_(std::move(path)) {}
  absl::Status Write();
  void Warn(const absl::Status& why);

  const std::string path_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> choices_;
  bool unsaved_ = false;  // choices_ has what the file has not
  bool usable_ = true;    // else the file is not tried again
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
