// What autotuning found, kept in a file: timing a convolution's engines takes seconds, and the answer stays the same
// for a device and a cuDNN.
#ifndef HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
#define HARDFACE_MODEL_CUDA_PLAN_CACHE_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface {

// A text file: a header line, then "KEY<tab>CHOICE" lines, sorted. Keys name device, cuDNN version, problem and types
// and have neither tabs nor line ends. Not thread-safe; processes may share a file, and the last to save wins a key.
class PlanCache {
 public:
  // Reads PATH; a missing file is an empty cache, one of another form is an error that says to delete it. Empty PATH:
  // nothing is kept.
  static absl::StatusOr<PlanCache> Open(const std::string& path);

  std::optional<std::string> Find(const std::string& key) const;
  // Keeps it in memory and in the file, together with what other processes have written there since. The file is
  // replaced whole.
  absl::Status Insert(const std::string& key, const std::string& choice);

  // $XDG_CACHE_HOME/hardface/cudnn_plans.txt or ~/.cache/...; empty when neither is set.
  static std::string DefaultPath();

 private:
  std::string path_;
  std::map<std::string, std::string> choices_;
};

}  // namespace hardface

#endif  // HARDFACE_MODEL_CUDA_PLAN_CACHE_H_
