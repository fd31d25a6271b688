// CUDA devices and their memory. No CUDA header is included here: without --config=cuda the same interface is built
// from a stub that says so.
#ifndef HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_
#define HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface {

// Devices that this process can use: 0 without a GPU, without a driver, or in a build without CUDA.
int CudaDeviceCount();

// Why CudaDeviceCount() is 0, and what to do; empty when it is not.
std::string WhyNoCuda();

// Floats in device memory, freed with the object. Copies block until done.
class CudaBuffer {
 public:
  // ResourceExhausted, with the size asked for, when the device has too little memory; FailedPrecondition without CUDA.
  static absl::StatusOr<std::unique_ptr<CudaBuffer>> Allocate(int64_t count);
  virtual ~CudaBuffer() = default;

  virtual float* data() const = 0;  // device memory
  virtual int64_t size() const = 0;
  virtual absl::Status CopyFromHost(const float* from) = 0;
  virtual absl::Status CopyToHost(float* to) const = 0;
};

}  // namespace hardface

#endif  // HARDFACE_MODEL_CUDA_CUDA_DEVICE_H_
