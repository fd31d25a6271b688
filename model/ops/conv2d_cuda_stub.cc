#include "model/ops/conv2d_cuda.h"

namespace hardface::model {

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig&, std::shared_ptr<CudaContext>) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

}  // namespace hardface::model
