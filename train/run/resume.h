// Going on from a checkpoint: which one, and what it means for the dataset and the ranks of today.
#ifndef HARDFACE_TRAIN_RUN_RESUME_H_
#define HARDFACE_TRAIN_RUN_RESUME_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset.h"
#include "train/ranks/communicator.h"
#include "train/run/checkpoint.h"
#include "train/run/tell.h"

namespace hardface::train {

// The newest whole checkpoint under OUTPUT, the same one on every rank: rank 0 looks and decides. Nothing where RESUME
// is false or there is none. All ranks call it together.
absl::StatusOr<std::optional<FoundCheckpoint>> FindCheckpoint(const std::string& output, bool resume,
                                                              Communicator* communicator, const TellFunction& tell);

// A dataset as a training sees it.
struct NamedDataset {
  const data::Dataset& dataset;
  const std::string& name;  // as it was given
  const std::string& manifest_hash;
};

// Maps what STATE, the checkpoint in FOLDER, says of its entries to those of DATASET. An error where they are others.
absl::Status MapToDataset(const std::string& folder, const NamedDataset& now, const TellFunction& tell,
                          TrainingState* state);

// What a rank goes on with. RANKS_DIFFER: each has a place in the data of its own; one that the checkpoint does not
// know then takes its own order from the next epoch on.
RankState StateOfRank(const TrainingState& state, bool ranks_differ, const Communicator& communicator,
                      const TellFunction& tell);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_RESUME_H_
