// A training that takes a second, for tests.
#ifndef HARDFACE_TRAIN_RUN_SMALL_TRAINING_H_
#define HARDFACE_TRAIN_RUN_SMALL_TRAINING_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "model/weights/parameters.h"
#include "train/run/trainer.h"

namespace hardface::train {

// Writes images of noise, each with one bright square as its "face"; returns the dataset.
std::string MakeSquares(const std::string& name, int images);

// A recipe for them; the output folder is DATASET_OUTPUT, and empty.
TrainerOptions SmallTraining(const std::string& dataset, const std::string& output, int64_t iterations);

// Of a teacher whose anchors are not those of the network to train, which is an error.
TrainerOptions TrainingWithOtherAnchors(const std::string& dataset);

absl::Status TrainAlone(const TrainerOptions& options);

// Of a training's output folder: the lines of metrics.jsonl, and the last checkpoint's raw weights and solver state.
std::vector<nlohmann::json> ReadMetrics(const std::string& output);
model::ParameterSet WeightsOf(const std::string& output);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_SMALL_TRAINING_H_
