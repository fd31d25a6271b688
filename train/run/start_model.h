// The model that a training starts from.
#ifndef HARDFACE_TRAIN_RUN_START_MODEL_H_
#define HARDFACE_TRAIN_RUN_START_MODEL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "model/detectors/detector.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/run/tell.h"

namespace hardface::train {

struct StartModelOptions {
  model::DetectorOptions detector;
  model::ModelInfo info;
  std::string init;                                                         // weights to start from; empty: random
  model::Initialization initialization = model::Initialization::kGaussian;  // of what `init` does not give
  uint64_t seed = 1;                                                        // of random weights
};

// The network with its first weights. What --init does not have is told. An error where it has nothing of this network,
// or a tensor of another shape.
absl::StatusOr<model::Model> StartModel(const StartModelOptions& options, const TellFunction& tell);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_START_MODEL_H_
