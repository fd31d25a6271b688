// The optimisers on a CUDA device: fp32 weights, gradients and state in device memory. solver.h is the reference.
// Without --config=cuda there is a stub.
#ifndef HARDFACE_TRAIN_STEP_DEVICE_SOLVER_H_
#define HARDFACE_TRAIN_STEP_DEVICE_SOLVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/device_parameters.h"
#include "model/detectors/network.h"
#include "model/weights/parameters.h"
#include "train/step/solver.h"
#include "train/step/step_kernels.h"

namespace hardface::train {

// Owns the optimiser's state. Deterministic. Work is queued in the context's stream.
class DeviceSolver {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceSolver>> Create(const std::vector<model::ParameterSpec>& specs,
                                                              const SolverOptions& options,
                                                              std::shared_ptr<model::CudaContext> context);
  virtual ~DeviceSolver() = default;

  // One step on PARAMETERS from GRADIENTS, which hold LOSS_SCALE times the gradients (averaged over images). Where they
  // are not finite nothing changes. Of one layout, Create's SPECS.
  virtual absl::Status Step(int64_t iteration, double loss_scale, const model::DeviceParameters& gradients,
                            const model::DeviceParameters& parameters) = 0;
  // The last step's gradient norm, and whether it was finite: else lower the loss scale. Waits.
  virtual absl::StatusOr<GradientScale> LastGradient() = 0;
  // The averaged weights; null where no average is kept, or before the first step.
  virtual const model::DeviceParameters* average() const = 0;

  // For checkpoints; the CPU's solver has the same. Both wait.
  virtual absl::StatusOr<model::ParameterSet> State() = 0;
  virtual absl::Status Restore(const model::ParameterSet& state, const std::string& source) = 0;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_DEVICE_SOLVER_H_
