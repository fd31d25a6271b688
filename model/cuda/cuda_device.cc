#include "model/cuda/cuda_device.h"

#include <cuda_runtime_api.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {

int CudaDeviceCount() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string WhyNoCuda() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    return std::string(CudaStatus(error, {"looking for CUDA devices", __FILE__, __LINE__}).message());
  }
  return count > 0 ? "" : "this machine has no CUDA device; --device=cpu works without";
}

absl::StatusOr<CudaDeviceInfo> DescribeCudaDevice(int index) {
  const int count = CudaDeviceCount();
  if (count == 0) return absl::FailedPreconditionError(WhyNoCuda());
  if (index < 0 || index >= count) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no device cuda:", index, "; the last is cuda:", count - 1));
  }
  cudaDeviceProp properties;
  CUDA_RETURN_IF_ERROR(cudaGetDeviceProperties(&properties, index), absl::StrCat("asking for cuda:", index));
  CUDA_RETURN_IF_ERROR(cudaSetDevice(index), absl::StrCat("choosing cuda:", index));
  size_t free = 0, total = 0;
  CUDA_RETURN_IF_ERROR(cudaMemGetInfo(&free, &total), absl::StrCat("asking for the memory of cuda:", index));
  return CudaDeviceInfo{
      properties.name,
      properties.major,
      properties.minor,
      properties.multiProcessorCount,
      static_cast<int64_t>(total),
      static_cast<int64_t>(free),
      absl::StrCat("GPU-", absl::BytesToHexString({properties.uuid.bytes, sizeof properties.uuid.bytes}))};
}

absl::StatusOr<int64_t> FreeDeviceBytes() {
  size_t free = 0, total = 0;
  CUDA_RETURN_IF_ERROR(cudaMemGetInfo(&free, &total), "asking for free device memory");
  return static_cast<int64_t>(free);
}

}  // namespace hardface::model
