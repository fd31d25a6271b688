#include "train/step/device_loss.h"

namespace hardface {

absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> DeviceDetectionLoss::Create(const TargetOptions&, int,
                                                                                 std::shared_ptr<CudaContext>) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface
