// Three CUDA devices that are the CPU, for tests of what surrounds kernels: what is queued when, which memory is held,
// what happens when it runs out. Linked into a test, it takes the place of CUDA. Work is done when it is queued, graphs
// are run again; convolutions sum in fp32.
#ifndef HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_
#define HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_

#include <cstdint>

namespace hardface::model {

inline constexpr int kEmulatedDevices = 3;

// The memory of all devices together.
struct EmulatedMemory {
  int64_t capacity = int64_t{1} << 40;
  int64_t used = 0;
  int64_t peak = 0;      // of used
  int64_t refusals = 0;  // allocations for which there was no room
};
EmulatedMemory GetEmulatedMemory();
// Peak and refusals begin anew.
void SetEmulatedCapacity(int64_t capacity);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_
