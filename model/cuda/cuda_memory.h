// Memory, streams and events of a CUDA device as owning objects. No CUDA header is included here; without
// --config=cuda every factory returns FailedPrecondition, saying so.
#ifndef HARDFACE_MODEL_CUDA_CUDA_MEMORY_H_
#define HARDFACE_MODEL_CUDA_CUDA_MEMORY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"

struct CUstream_st;  // cudaStream_t points to it
struct CUevent_st;   // ... and cudaEvent_t to this

namespace hardface::model {

using CudaStreamHandle = CUstream_st*;

// Memory of the current device.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  // ResourceExhausted names PURPOSE, the size, what is free, and what to do. 256-byte aligned, of no particular value.
  static absl::StatusOr<DeviceMemory> Allocate(int64_t bytes, const std::string& purpose);

  void* data() const { return data_.get(); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }
  int64_t bytes() const { return bytes_; }

  // At least BYTES: new memory where there is less. The old contents are lost; nothing may be using them any more.
  absl::Status Grow(int64_t bytes, const std::string& purpose) {
    if (bytes <= bytes_) return absl::OkStatus();
    *this = DeviceMemory();  // gives the old memory back first
    ASSIGN_OR_RETURN(*this, Allocate(bytes, purpose));
    return absl::OkStatus();
  }

 private:
  struct Free {
    void operator()(void* pointer) const;
  };
  std::unique_ptr<void, Free> data_;
  int64_t bytes_ = 0;
};

// Host memory that the device copies from and to without a stop in between ("pinned").
class PinnedMemory {
 public:
  PinnedMemory() = default;
  static absl::StatusOr<PinnedMemory> Allocate(int64_t bytes);

  void* data() const { return data_.get(); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }
  int64_t bytes() const { return bytes_; }
  absl::Status Grow(int64_t bytes) {
    if (bytes <= bytes_) return absl::OkStatus();
    *this = PinnedMemory();
    ASSIGN_OR_RETURN(*this, Allocate(bytes));
    return absl::OkStatus();
  }

 private:
  struct Free {
    void operator()(void* pointer) const;
  };
  std::unique_ptr<void, Free> data_;
  int64_t bytes_ = 0;
};

// A queue of work on the device; does not wait for the default stream.
class CudaStream {
 public:
  static absl::StatusOr<CudaStream> Create();
  CudaStreamHandle handle() const { return handle_.get(); }
  // Waits for all that was queued; an error of any of it is returned.
  absl::Status Synchronize() const;

 private:
  struct Destroy {
    void operator()(CudaStreamHandle handle) const;
  };
  std::unique_ptr<CUstream_st, Destroy> handle_;
};

// A mark in a stream.
class CudaEvent {
 public:
  // TIMED events measure time, which makes recording them slower.
  static absl::StatusOr<CudaEvent> Create(bool timed);
  absl::Status Record(CudaStreamHandle stream) const;
  // Work queued in STREAM from now on waits for the mark.
  absl::Status HoldBack(CudaStreamHandle stream) const;
  absl::Status Synchronize() const;
  // Whether the mark is reached; does not wait.
  absl::StatusOr<bool> Reached() const;
  // Milliseconds from EARLIER to this; both timed, recorded and reached.
  absl::StatusOr<float> MillisecondsSince(const CudaEvent& earlier) const;

 private:
  struct Destroy {
    void operator()(CUevent_st* event) const;
  };
  std::unique_ptr<CUevent_st, Destroy> event_;
};

// Queued copies. Host memory that is not pinned makes them wait.
absl::Status CopyToDevice(const void* host, void* device, int64_t bytes, CudaStreamHandle stream);
absl::Status CopyToHost(const void* device, void* host, int64_t bytes, CudaStreamHandle stream);
absl::Status CopyOnDevice(const void* from, void* to, int64_t bytes, CudaStreamHandle stream);
absl::Status FillWithZeros(void* device, int64_t bytes, CudaStreamHandle stream);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDA_MEMORY_H_
