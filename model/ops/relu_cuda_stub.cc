#include "model/ops/relu_cuda.h"

namespace hardface {

absl::Status ReluCuda(const CudaBuffer&, CudaBuffer*) { return absl::FailedPreconditionError(WhyNoCuda()); }

}  // namespace hardface
