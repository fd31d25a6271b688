#include "base/check.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_graph.h"

namespace hardface::model {

absl::StatusOr<CudaGraph> CudaGraph::Capture(CudaStreamHandle, const std::function<absl::Status()>&) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::Status CudaGraph::Launch(CudaStreamHandle) const { return absl::FailedPreconditionError(WhyNoCuda()); }

void CudaGraph::Destroy::operator()(CUgraphExec_st*) const { HARDFACE_CHECK(false); }

}  // namespace hardface::model
