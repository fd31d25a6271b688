// The flags of a training, one table: which option each sets, its range, and when it applies. docs/TRAINING_FLAGS.md is
// printed from it.
#ifndef HARDFACE_TRAIN_RUN_TRAINING_FLAGS_H_
#define HARDFACE_TRAIN_RUN_TRAINING_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "train/run/trainer.h"

namespace hardface::train {

// What the flags say, but for the device and what belongs to it (train_main.cc). A UsageError for a flag that is
// missing or out of range, and for one that has no effect beside the others.
absl::StatusOr<TrainerOptions> TrainerOptionsFromFlags();

// The text of docs/TRAINING_FLAGS.md.
std::string TrainingFlagsPage();

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_TRAINING_FLAGS_H_
