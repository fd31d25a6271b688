#include "model/ops/conv2d_cuda.h"

namespace hardface {

absl::StatusOr<std::shared_ptr<DeviceConvWeights>> DeviceConvWeights::Create(int, int, int, ElementType) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::Status DeviceConvWeights::Set(const float*, const float*, CudaStreamHandle) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig&, std::shared_ptr<CudaContext>) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface
