#include "model/cuda/cuda_device.h"
#include "model/execution/device_image.h"

namespace hardface::model {

absl::Status WriteNetworkInput(const DeviceImage&, const DeviceLevel&, const DeviceTensor&, CudaStreamHandle) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::Status WriteSampleInput(const DeviceSample*, const float*, const float (&)[3], float, const DeviceTensor&,
                              CudaStreamHandle) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface::model
