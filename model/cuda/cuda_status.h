// Turns CUDA runtime errors into absl::Status. For .cu files only.
#ifndef HARDFACE_MODEL_CUDA_CUDA_STATUS_H_
#define HARDFACE_MODEL_CUDA_CUDA_STATUS_H_

#include <cuda_runtime.h>

#include <string>

#include "absl/status/status.h"

namespace hardface {

// OK, or an error that says WHAT failed and why; out of memory is ResourceExhausted.
inline absl::Status CudaStatus(cudaError_t error, const std::string& what) {
  if (error == cudaSuccess) return absl::OkStatus();
  const std::string message = what + ": " + cudaGetErrorString(error);
  return error == cudaErrorMemoryAllocation ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

}  // namespace hardface

#endif  // HARDFACE_MODEL_CUDA_CUDA_STATUS_H_
