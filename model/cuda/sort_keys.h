// Sorting on the device.
#ifndef HARDFACE_MODEL_CUDA_SORT_KEYS_H_
#define HARDFACE_MODEL_CUDA_SORT_KEYS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {

// Sorts COUNT keys in device memory by their bits from FIRST_BIT on, rising, from KEYS to SORTED, which do not overlap.
// Keys that are equal in these bits keep their order: keys whose lower half rises with their place need FIRST_BIT 32
// only, which halves the work. SCRATCH is of SortScratchBytes(COUNT) or more.
absl::Status SortKeys(const uint64_t* keys, uint64_t* sorted, int count, int first_bit, const DeviceMemory& scratch,
                      CudaStreamHandle stream);
absl::StatusOr<int64_t> SortScratchBytes(int count);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_SORT_KEYS_H_
