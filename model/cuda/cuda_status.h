// Turns failures of CUDA and cuDNN calls into absl::Status (nccl_status.h: of NCCL). For sources built with CUDA only.
//   CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(...), "copying the image to the device");
// The message says what was being done, the library's own words, file and line, and what to do where that is known.
#ifndef HARDFACE_MODEL_CUDA_CUDA_STATUS_H_
#define HARDFACE_MODEL_CUDA_CUDA_STATUS_H_

#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <string>

#include "absl/status/status.h"

namespace hardface::model {

// Where a failed call stands, and what it was for.
struct CallSite {
  std::string operation;
  const char* file;
  int line;
};

// OK, or the error. Running out of memory is ResourceExhausted, a missing driver or device FailedPrecondition.
absl::Status CudaStatus(cudaError_t error, const CallSite& site);
absl::Status CudnnStatus(cudnnStatus_t error, const CallSite& site);

#define HARDFACE_DEVICE_RETURN_IF_ERROR(to_status, expression, operation)                                 \
  do {                                                                                                    \
    absl::Status hardface_status =                                                                        \
        to_status((expression), ::hardface::model::CallSite{std::string(operation), __FILE__, __LINE__}); \
    if (!hardface_status.ok()) return hardface_status;                                                    \
  } while (false)

#define CUDA_RETURN_IF_ERROR(expression, operation) \
  HARDFACE_DEVICE_RETURN_IF_ERROR(::hardface::model::CudaStatus, expression, operation)
#define CUDNN_RETURN_IF_ERROR(expression, operation) \
  HARDFACE_DEVICE_RETURN_IF_ERROR(::hardface::model::CudnnStatus, expression, operation)
// After a kernel launch: what the launch itself found wrong. What goes wrong inside a kernel shows at the next call
// that waits for it.
#define CUDA_RETURN_IF_LAUNCH_FAILED(operation) CUDA_RETURN_IF_ERROR(cudaGetLastError(), operation)

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDA_STATUS_H_
