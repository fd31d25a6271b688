// Training steps on the CPU: the reference.
#ifndef HARDFACE_TRAIN_STEP_CPU_STEP_ENGINE_H_
#define HARDFACE_TRAIN_STEP_CPU_STEP_ENGINE_H_

#include <memory>

#include "train/step/step_engine.h"

namespace hardface::train {

// See MakeStepEngine. A call uses all OpenMP threads.
absl::StatusOr<std::unique_ptr<StepEngine>> MakeCpuStepEngine(model::Model* model, const StepEngineOptions& options,
                                                              Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_CPU_STEP_ENGINE_H_
