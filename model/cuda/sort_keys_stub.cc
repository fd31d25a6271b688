#include "model/cuda/cuda_device.h"
#include "model/cuda/sort_keys.h"

namespace hardface::model {

absl::Status SortKeys(const uint64_t*, uint64_t*, int, int, const DeviceMemory&, CudaStreamHandle) {
  return absl::FailedPreconditionError(WhyNoCuda());
}

absl::StatusOr<int64_t> SortScratchBytes(int) { return absl::FailedPreconditionError(WhyNoCuda()); }

}  // namespace hardface::model
