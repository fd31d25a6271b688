#include "base/check.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {
namespace {

absl::Status NoCuda() { return absl::FailedPreconditionError(WhyNoCuda()); }

}  // namespace

absl::StatusOr<DeviceMemory> DeviceMemory::Allocate(int64_t, const std::string&) { return NoCuda(); }
// There is nothing to free: nothing was allocated.
void DeviceMemory::Free::operator()(void*) const { HARDFACE_CHECK(false); }

absl::StatusOr<PinnedMemory> PinnedMemory::Allocate(int64_t) { return NoCuda(); }
void PinnedMemory::Free::operator()(void*) const { HARDFACE_CHECK(false); }

absl::StatusOr<CudaStream> CudaStream::Create() { return NoCuda(); }
absl::Status CudaStream::Synchronize() const { return NoCuda(); }
void CudaStream::Destroy::operator()(CudaStreamHandle) const { HARDFACE_CHECK(false); }

absl::StatusOr<CudaEvent> CudaEvent::Create(bool) { return NoCuda(); }
absl::Status CudaEvent::Record(CudaStreamHandle) const { return NoCuda(); }
absl::Status CudaEvent::HoldBack(CudaStreamHandle) const { return NoCuda(); }
absl::Status CudaEvent::Synchronize() const { return NoCuda(); }
absl::StatusOr<bool> CudaEvent::Reached() const { return NoCuda(); }
absl::StatusOr<float> CudaEvent::MillisecondsSince(const CudaEvent&) const { return NoCuda(); }
void CudaEvent::Destroy::operator()(CUevent_st*) const { HARDFACE_CHECK(false); }

absl::Status CopyToDevice(const void*, void*, int64_t, CudaStreamHandle) { return NoCuda(); }
absl::Status CopyToHost(const void*, void*, int64_t, CudaStreamHandle) { return NoCuda(); }
absl::Status CopyOnDevice(const void*, void*, int64_t, CudaStreamHandle) { return NoCuda(); }
absl::Status FillWithZeros(void*, int64_t, CudaStreamHandle) { return NoCuda(); }

}  // namespace hardface::model
