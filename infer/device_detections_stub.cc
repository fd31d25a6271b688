#include "infer/device_detections.h"

namespace hardface {

absl::StatusOr<std::unique_ptr<DeviceDetections>> DeviceDetections::Create(const DeviceDetectionsOptions&,
                                                                           std::shared_ptr<CudaContext>) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::Status CopyCore(const TensorView&, const TileSpan&, const TileSpan&, int, const TensorView&, CudaStreamHandle) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface
