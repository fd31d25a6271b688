#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {

absl::StatusOr<std::shared_ptr<CudaContext>> CudaContext::Create(const CudaContextOptions&) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

CudaContext::~CudaContext() = default;

absl::Status CudaContext::MakeCurrent() const { return absl::FailedPreconditionError(WhyNoCuda()); }

void CudaContext::SavePlans() {}

}  // namespace hardface::model
