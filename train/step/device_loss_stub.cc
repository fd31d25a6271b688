#include "train/step/device_loss.h"

namespace hardface::train {

absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> DeviceDetectionLoss::Create(const mining::TargetOptions&, int,
                                                                                 std::shared_ptr<model::CudaContext>) {
  return absl::FailedPreconditionError(model::WhyNoCuda());
}

}  // namespace hardface::train
