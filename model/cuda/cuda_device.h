// CUDA devices. No CUDA header is included here: without --config=cuda the same interface is built from a stub that
// says so.
#ifndef HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_
#define HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace hardface::model {

// Devices that this process can use: 0 without a GPU, without a driver, or in a build without CUDA.
int CudaDeviceCount();

// Why CudaDeviceCount() is 0, and what to do; empty when it is not.
std::string WhyNoCuda();

struct CudaDeviceInfo {
  std::string name;       // "NVIDIA H100 80GB HBM3"
  int compute_major = 0;  // compute capability
  int compute_minor = 0;
  int multiprocessors = 0;
  int64_t total_bytes = 0, free_bytes = 0;
  std::string id;  // "GPU-...", which no other device has
};

// FailedPrecondition for an index that there is not.
absl::StatusOr<CudaDeviceInfo> DescribeCudaDevice(int index);

// Of the calling thread's current device: what cudaMalloc can hope for.
absl::StatusOr<int64_t> FreeDeviceBytes();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_
