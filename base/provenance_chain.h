// Follows what provenance files record, from a result back to the first inputs, and holds it against what is on disk.
#ifndef HARDFACE_BASE_PROVENANCE_CHAIN_H_
#define HARDFACE_BASE_PROVENANCE_CHAIN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface {

struct ChainReport {
  // The outputs of the chain, each with its tool: "infer/detect  found  (2 files, 3 inputs)". The one asked for first.
  std::vector<std::string> outputs;
  // What no longer fits: "found/detections.jsonl: was changed since infer/detect wrote it".
  std::vector<std::string> findings;
  int64_t files = 0;   // whose recorded hashes were computed again
  int64_t inputs = 0;  // the same
};

// The hash of an input that is a folder or an archive of results, which is recorded by names and contents.
using TreeHash = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// PATH is an output: a folder with a provenance.json, or a file with its own beside it. Its files are hashed, then its
// inputs, then the outputs that these belong to, and so on. Inputs that were given by relative paths are looked for
// from the current folder and from each folder that the output lies in, since no provenance says where the tool was
// started. The pictures of a dataset are not hashed: manifests hold their names and sizes. An error where PATH is no
// output.
absl::StatusOr<ChainReport> VerifyChain(const std::string& path, const TreeHash& tree_hash);

}  // namespace hardface

#endif  // HARDFACE_BASE_PROVENANCE_CHAIN_H_
