#include <cuda_runtime.h>

#include "model/cuda/cuda_status.h"
#include "model/ops/relu_cuda.h"

namespace hardface {
namespace {

constexpr int kThreads = 256;

__global__ void ReluKernel(const float* in, float* out, int64_t count) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) out[i] = fmaxf(in[i], 0.0f);
}

}  // namespace

absl::Status ReluCuda(const CudaBuffer& in, CudaBuffer* out) {
  if (in.size() != out->size()) return absl::InvalidArgumentError("ReluCuda: the buffers differ in size");
  const int64_t blocks = (in.size() + kThreads - 1) / kThreads;
  if (blocks > 0) ReluKernel<<<static_cast<unsigned>(blocks), kThreads>>>(in.data(), out->data(), in.size());
  return CudaStatus(cudaGetLastError(), "ReluCuda");
}

}  // namespace hardface
