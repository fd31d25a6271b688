#include "train/step/device_solver.h"

namespace hardface::train {

absl::StatusOr<std::unique_ptr<DeviceSolver>> DeviceSolver::Create(const std::vector<model::ParameterSpec>&,
                                                                   const SolverOptions&,
                                                                   std::shared_ptr<model::CudaContext>) {
  return absl::FailedPreconditionError(model::WhyNoCuda());
}

}  // namespace hardface::train
