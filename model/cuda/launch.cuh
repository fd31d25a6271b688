// Launches the kernels that are written as functions of an index (device_kernels.h and its like). For .cu files, and
// for emulation/, where a C++ compiler makes a loop of a launch.
#ifndef HARDFACE_MODEL_CUDA_LAUNCH_CUH_
#define HARDFACE_MODEL_CUDA_LAUNCH_CUH_

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "model/cuda/cuda_memory.h"
#ifdef __CUDACC__
#include "model/cuda/cuda_status.h"
#else
#include "model/cuda/emulation/emulation.h"
#endif

namespace hardface::model {

#ifdef __CUDACC__
template <typename Kernel>
__global__ void ForEachIndexKernel(int64_t count, Kernel kernel) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) kernel(i);
}

// kernel(0), ..., kernel(count - 1), in no particular order. OPERATION names it in errors.
template <typename Kernel>
absl::Status ForEachIndex(int64_t count, const Kernel& kernel, CudaStreamHandle stream, const char* operation) {
  constexpr int kThreads = 256;
  constexpr int64_t kMaxBlocks = 1 << 20;
  if (count <= 0) return absl::OkStatus();
  const int64_t blocks = std::min((count + kThreads - 1) / kThreads, kMaxBlocks);
  ForEachIndexKernel<<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(count, kernel);
  CUDA_RETURN_IF_LAUNCH_FAILED(operation);
  return absl::OkStatus();
}
#else
template <typename Kernel>
absl::Status ForEachIndex(int64_t count, const Kernel& kernel, CudaStreamHandle stream, const char*) {
  if (count <= 0) return absl::OkStatus();
  return QueueEmulated(stream, [count, kernel] {
    for (int64_t i = count - 1; i >= 0; --i) kernel(i);  // any order must do
    return absl::OkStatus();
  });
}
#endif

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_LAUNCH_CUH_
