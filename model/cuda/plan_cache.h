// What autotuning found, kept in a file: timing a convolution's engines takes seconds, and the answer stays the same
// for a device and a cuDNN.
#ifndef HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
#define HARDFACE_MODEL_CUDA_PLAN_CACHE_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::model {

// A text file: a header line, then "KEY<tab>CHOICE" lines, sorted. Keys name device, cuDNN version, problem and types
// and have neither tabs nor line ends. Thread-safe; processes may share a file, and the last to save wins a key.
class PlanCache {
 public:
  // Reads PATH; a missing file is an empty cache, one of another form is an error that says to delete it. Empty PATH:
  // nothing is kept.
  static absl::StatusOr<std::shared_ptr<PlanCache>> Open(const std::string& path);
  // The one cache of this process for PATH: GPUs of one kind then compute the same bits, although each has timed the
  // engines for itself.
  static absl::StatusOr<std::shared_ptr<PlanCache>> Shared(const std::string& path);

  std::optional<std::string> Find(const std::string& key) const;
  // Makes CHOICE that of KEY, for which Find() had given KNOWN, unless another thread was first. Returns the choice
  // that stands. It is kept in memory and in the file, together with what other processes have written there since;
  // the file is replaced whole.
  absl::StatusOr<std::string> Insert(const std::string& key, const std::string& choice,
                                     const std::optional<std::string>& known);

  // $XDG_CACHE_HOME/hardface/cudnn_plans.txt or ~/.cache/...; empty when neither is set.
  static std::string DefaultPath();

 private:
  PlanCache(std::string path, std::map<std::string, std::string> choices)
      : path_(std::move(path)), choices_(std::move(choices)) {}

  const std::string path_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> choices_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
