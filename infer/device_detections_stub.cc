#include "infer/device_detections.h"

namespace hardface::infer {

absl::StatusOr<std::unique_ptr<DeviceDetections>> DeviceDetections::Create(const DeviceDetectionsOptions&,
                                                                           std::shared_ptr<model::CudaContext>) {
  return absl::FailedPreconditionError(model::WhyNoCuda());
}

absl::Status CopyCore(const model::TensorView&, const TileSpan&, const TileSpan&, int, const model::TensorView&,
                      model::CudaStreamHandle) {
  return absl::FailedPreconditionError(model::WhyNoCuda());
}

}  // namespace hardface::infer
