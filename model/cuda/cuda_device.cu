#include <cuda_runtime.h>

#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_status.h"

namespace hardface {
namespace {

class DeviceBuffer : public CudaBuffer {
 public:
  DeviceBuffer(float* data, int64_t size) : data_(data), size_(size) {}
  ~DeviceBuffer() override { cudaFree(data_); }

  float* data() const override { return data_; }
  int64_t size() const override { return size_; }
  absl::Status CopyFromHost(const float* from) override {
    return CudaStatus(cudaMemcpy(data_, from, Bytes(), cudaMemcpyHostToDevice), "copy to the device");
  }
  absl::Status CopyToHost(float* to) const override {
    return CudaStatus(cudaMemcpy(to, data_, Bytes(), cudaMemcpyDeviceToHost), "copy from the device");
  }

 private:
  size_t Bytes() const { return static_cast<size_t>(size_) * sizeof(float); }

  float* const data_;
  const int64_t size_;
};

}  // namespace

int CudaDeviceCount() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string WhyNoCuda() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) return std::string("no CUDA device can be used: ") + cudaGetErrorString(error);
  return count > 0 ? "" : "this machine has no CUDA device";
}

absl::StatusOr<std::unique_ptr<CudaBuffer>> CudaBuffer::Allocate(int64_t count) {
  if (CudaDeviceCount() == 0) return absl::FailedPreconditionError(WhyNoCuda());
  float* data = nullptr;
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  const absl::Status status =
      CudaStatus(cudaMalloc(&data, bytes), "cannot get " + std::to_string(bytes >> 20) + " MiB of device memory");
  if (!status.ok()) return status;
  return std::unique_ptr<CudaBuffer>(new DeviceBuffer(data, count));
}

}  // namespace hardface
