#include "model/cuda/cuda_memory.h"

#include <cuda_runtime_api.h>

#include "absl/strings/str_cat.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {
namespace {

absl::Status Copy(const void* from, void* to, int64_t bytes, cudaMemcpyKind kind, CudaStreamHandle stream) {
  if (bytes == 0) return absl::OkStatus();
  CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, stream),
                       absl::StrCat("copying ", bytes, " bytes"));
  return absl::OkStatus();
}

std::string FreeMemory() {
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) return "unknown";
  return absl::StrCat(free >> 20, " of ", total >> 20, " MiB are free");
}

}  // namespace

absl::StatusOr<DeviceMemory> DeviceMemory::Allocate(int64_t bytes, const std::string& purpose) {
  DeviceMemory memory;
  if (bytes == 0) return memory;
  void* data = nullptr;
  const cudaError_t error = cudaMalloc(&data, static_cast<size_t>(bytes));
  if (error == cudaErrorMemoryAllocation) {
    return CudaStatus(error, {absl::StrCat(purpose, " needs ", (bytes + (1 << 20) - 1) >> 20,
                                           " MiB of device memory, and ", FreeMemory()),
                              __FILE__, __LINE__});
  }
  CUDA_RETURN_IF_ERROR(error, absl::StrCat("getting device memory for ", purpose));
  memory.data_.reset(data);
  memory.bytes_ = bytes;
  return memory;
}

// Errors of what ran before would show here; nobody is left to tell.
void DeviceMemory::Free::operator()(void* pointer) const { cudaFree(pointer); }

absl::StatusOr<PinnedMemory> PinnedMemory::Allocate(int64_t bytes) {
  PinnedMemory memory;
  if (bytes == 0) return memory;
  void* data = nullptr;
  const cudaError_t error = cudaMallocHost(&data, static_cast<size_t>(bytes));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // told here, with a remedy that is not that of the device's memory
    return absl::ResourceExhaustedError(absl::StrCat("the machine gives no ", (bytes + (1 << 20) - 1) >> 20,
                                                     " MiB of pinned memory; give the process more memory"));
  }
  CUDA_RETURN_IF_ERROR(error, "getting pinned host memory");
  memory.data_.reset(data);
  memory.bytes_ = bytes;
  return memory;
}

void PinnedMemory::Free::operator()(void* pointer) const { cudaFreeHost(pointer); }

absl::StatusOr<CudaStream> CudaStream::Create() {
  cudaStream_t handle = nullptr;
  CUDA_RETURN_IF_ERROR(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "creating a stream");
  CudaStream stream;
  stream.handle_.reset(handle);
  return stream;
}

absl::Status CudaStream::Synchronize() const {
  CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(handle()), "waiting for the device");
  return absl::OkStatus();
}

void CudaStream::Destroy::operator()(CudaStreamHandle handle) const { cudaStreamDestroy(handle); }

absl::StatusOr<CudaEvent> CudaEvent::Create(bool timed) {
  cudaEvent_t handle = nullptr;
  CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&handle, timed ? cudaEventDefault : cudaEventDisableTiming),
                       "creating an event");
  CudaEvent event;
  event.event_.reset(handle);
  return event;
}

absl::Status CudaEvent::Record(CudaStreamHandle stream) const {
  CUDA_RETURN_IF_ERROR(cudaEventRecord(event_.get(), stream), "recording an event");
  return absl::OkStatus();
}

absl::Status CudaEvent::HoldBack(CudaStreamHandle stream) const {
  CUDA_RETURN_IF_ERROR(cudaStreamWaitEvent(stream, event_.get(), 0), "waiting for an event in a stream");
  return absl::OkStatus();
}

absl::Status CudaEvent::Synchronize() const {
  CUDA_RETURN_IF_ERROR(cudaEventSynchronize(event_.get()), "waiting for an event");
  return absl::OkStatus();
}

absl::StatusOr<bool> CudaEvent::Reached() const {
  const cudaError_t state = cudaEventQuery(event_.get());
  if (state == cudaErrorNotReady) {
    cudaGetLastError();  // no error: the next launch's check must not find it
    return false;
  }
  CUDA_RETURN_IF_ERROR(state, "asking for an event");
  return true;
}

absl::StatusOr<float> CudaEvent::MillisecondsSince(const CudaEvent& earlier) const {
  float milliseconds = 0;
  CUDA_RETURN_IF_ERROR(cudaEventElapsedTime(&milliseconds, earlier.event_.get(), event_.get()), "timing");
  return milliseconds;
}

void CudaEvent::Destroy::operator()(CUevent_st* event) const { cudaEventDestroy(event); }

absl::Status CopyToDevice(const void* host, void* device, int64_t bytes, CudaStreamHandle stream) {
  return Copy(host, device, bytes, cudaMemcpyHostToDevice, stream);
}

absl::Status CopyToHost(const void* device, void* host, int64_t bytes, CudaStreamHandle stream) {
  return Copy(device, host, bytes, cudaMemcpyDeviceToHost, stream);
}

absl::Status CopyOnDevice(const void* from, void* to, int64_t bytes, CudaStreamHandle stream) {
  return Copy(from, to, bytes, cudaMemcpyDeviceToDevice, stream);
}

absl::Status FillWithZeros(void* device, int64_t bytes, CudaStreamHandle stream) {
  if (bytes == 0) return absl::OkStatus();
  CUDA_RETURN_IF_ERROR(cudaMemsetAsync(device, 0, static_cast<size_t>(bytes), stream), "filling with zeros");
  return absl::OkStatus();
}

}  // namespace hardface::model
