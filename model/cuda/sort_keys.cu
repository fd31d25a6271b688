#include <cub/device/device_radix_sort.cuh>

#include "model/cuda/cuda_status.h"
#include "model/cuda/sort_keys.h"

namespace hardface::model {

absl::Status SortKeys(const uint64_t* keys, uint64_t* sorted, int count, int first_bit, const DeviceMemory& scratch,
                      CudaStreamHandle stream) {
  auto bytes = static_cast<size_t>(scratch.bytes());
  CUDA_RETURN_IF_ERROR(cub::DeviceRadixSort::SortKeys(scratch.data(), bytes, keys, sorted, count, first_bit,
                                                      /*end_bit=*/64, stream),
                       "sorting");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> SortScratchBytes(int count) {
  size_t bytes = 0;
  const uint64_t* const keys = nullptr;
  uint64_t* const sorted = nullptr;
  CUDA_RETURN_IF_ERROR(cub::DeviceRadixSort::SortKeys(nullptr, bytes, keys, sorted, count), "asking for sort memory");
  return static_cast<int64_t>(bytes) + 1;  // never none: no scratch means to CUB that its size is asked
}

}  // namespace hardface::model
