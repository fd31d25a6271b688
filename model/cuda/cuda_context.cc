#include "model/cuda/cuda_context.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {

absl::StatusOr<std::shared_ptr<CudaContext>> CudaContext::Create(const CudaContextOptions& options) {
  std::shared_ptr<CudaContext> context(new CudaContext);
  context->index_ = options.device;
  ASSIGN_OR_RETURN(context->device_, DescribeCudaDevice(options.device));
  if (context->device_.compute_major < 8) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cuda:", options.device, " (", context->device_.name, ") has compute capability ",
        context->device_.compute_major, ".", context->device_.compute_minor, "; 8.0 is the least that is supported"));
  }
  RETURN_IF_ERROR(context->MakeCurrent());
  ASSIGN_OR_RETURN(context->stream_, CudaStream::Create());
  CUDNN_RETURN_IF_ERROR(cudnnCreate(&context->cudnn_), "starting cuDNN");
  CUDNN_RETURN_IF_ERROR(cudnnSetStream(context->cudnn_, context->stream_.handle()), "giving cuDNN its stream");
  ASSIGN_OR_RETURN(context->plan_cache_, PlanCache::Shared(options.plan_cache));
  context->plan_key_prefix_ = absl::StrCat(context->device_.name, " ", context->device_.multiprocessors, " SMs, cuDNN ",
                                           cudnnGetVersion(), ": ");
  return context;
}

CudaContext::~CudaContext() {
  if (cudnn_ == nullptr) return;
  cudaSetDevice(index_);  // the destroying thread may be on another
  cudnnDestroy(cudnn_);
}

absl::Status CudaContext::MakeCurrent() const {
  CUDA_RETURN_IF_ERROR(cudaSetDevice(index_), absl::StrCat("choosing cuda:", index_));
  return absl::OkStatus();
}

}  // namespace hardface::model
