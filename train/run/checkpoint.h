// Checkpoints: folders OUTPUT/checkpoints/iteration-NNNNNNNN with model.safetensors, solver.safetensors, entries.jsonl
// and state.json.
// All a training needs to go on as if it had never stopped.
#ifndef HARDFACE_TRAIN_RUN_CHECKPOINT_H_
#define HARDFACE_TRAIN_RUN_CHECKPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mining/ledger.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/data/sample_stream.h"

namespace hardface::train {

// What a rank knows that others may not.
struct RankState {
  DataPosition position;
  std::vector<mining::LedgerEntry> ledger;
};
// As text, to be gathered from the ranks. Errors of reading name SOURCE.
std::string RankStateToJson(const RankState& state);
absl::StatusOr<RankState> RankStateFromJson(const std::string& text, const std::string& source);

// What tells a dataset's entry from all others.
struct EntryName {
  std::string image;
  bool flip = false;
};

struct TrainingState {
  int64_t iteration = 0;  // steps done
  int ranks = 1;          // of the training that wrote it
  // One where all ranks share one sequence of samples and one ledger; else one for each rank.
  std::vector<RankState> rank_states;
  // The dataset's entries in their order, which the ledgers and the epochs' orders count in, and its manifest's hash.
  // Both are empty in checkpoints of version 2, which did not name them.
  std::vector<EntryName> entries;
  std::string manifest_sha256;
  int64_t metrics_bytes = 0;       // of metrics.jsonl, written up to here
  int64_t ledger_bytes = 0;        // of ledger.jsonl
  std::optional<double> best_ap;   // of the validations so far
  model::ParameterSet parameters;  // the raw weights
  model::ParameterSet solver;
};

// Writes a checkpoint; MODEL holds the weights for use (averaged where an average is kept). Then removes all but the
// last KEEP checkpoints and renews OUTPUT/model.safetensors.
absl::Status SaveCheckpoint(const std::string& output, const TrainingState& state, const model::Model& model, int keep);

// Checkpoint folders under OUTPUT, oldest first.
std::vector<std::string> ListCheckpoints(const std::string& output);

// Every bit is checked against the hashes that state.json holds, and state.json itself for numbers that cannot be: an
// error means a broken checkpoint.
absl::StatusOr<TrainingState> LoadCheckpoint(const std::string& folder);

// The newest checkpoint under OUTPUT that is whole; broken ones are named in WARNINGS. Nothing where there is none at
// all; an error where all are broken.
struct FoundCheckpoint {
  std::string folder;
  TrainingState state;
};
absl::StatusOr<std::optional<FoundCheckpoint>> LoadNewestCheckpoint(const std::string& output,
                                                                    std::vector<std::string>* warnings);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_CHECKPOINT_H_
