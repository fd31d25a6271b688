// Checkpoints: folders OUTPUT/checkpoints/iteration-NNNNNNNN with model.safetensors, solver.safetensors and state.json.
// All a training needs to go on as if it had never stopped.
#ifndef HARDFACE_TRAIN_CHECKPOINT_H_
#define HARDFACE_TRAIN_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/model_file.h"
#include "model/parameters.h"
#include "train/epoch_plan.h"

namespace hardface {

// Where in the data the training stands. Samples are numbered through all epochs; a sample's number seeds its
// augmentation.
struct DataPosition {
  int64_t epochs_planned = 0;
  std::vector<int64_t> order;  // entries of the stretch being visited
  int64_t next = 0;            // index into `order`
  int64_t samples = 0;         // samples taken so far
};

struct TrainingState {
  int64_t iteration = 0;  // steps done
  DataPosition position;
  std::vector<LedgerEntry> ledger;
  ParameterSet parameters;  // the raw weights
  ParameterSet solver;
};

// Writes a checkpoint; MODEL holds the weights for use (averaged where an average is kept). Then removes all but the
// last KEEP checkpoints and renews OUTPUT/model.safetensors.
absl::Status SaveCheckpoint(const std::string& output, const TrainingState& state, const Model& model, int keep);

// Checkpoint folders under OUTPUT, oldest first.
std::vector<std::string> ListCheckpoints(const std::string& output);

absl::StatusOr<TrainingState> LoadCheckpoint(const std::string& folder);

}  // namespace hardface

#endif  // HARDFACE_TRAIN_CHECKPOINT_H_
