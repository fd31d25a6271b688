#include "train/step/device_solver.h"

namespace hardface {

absl::StatusOr<std::unique_ptr<DeviceSolver>> DeviceSolver::Create(const std::vector<ParameterSpec>&,
                                                                   const SolverOptions&, std::shared_ptr<CudaContext>) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface
