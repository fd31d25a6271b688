// Training steps on a CUDA device: weights, activations, gradients and the solver's state stay there; images go there,
// losses and the faces' scores come back, once a step. Several ranks sum their gradients by NCCL.
#ifndef HARDFACE_TRAIN_STEP_CUDA_STEP_ENGINE_H_
#define HARDFACE_TRAIN_STEP_CUDA_STEP_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "train/step/step_engine.h"

namespace hardface::train {

// See MakeStepEngine. InvalidArgument for Reduction::kOrdered, which is the CPU's.
absl::StatusOr<std::unique_ptr<StepEngine>> MakeCudaStepEngine(model::Model* model, const StepEngineOptions& options,
                                                               Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_CUDA_STEP_ENGINE_H_
