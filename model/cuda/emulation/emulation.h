// Three CUDA devices that are the CPU, for tests of what surrounds kernels: what is queued when, which memory is held,
// what happens when it runs out. --config=emulation puts it in the place of CUDA, cuDNN and CUB.
//
// Streams are real queues. Nothing runs before somebody waits for it, and then the heads of the streams run in an order
// drawn at random, which respects nothing but the order within a stream and the events between them; a wait that is
// missing shows as a wrong number. Copies from pinned memory read it when they run, others when they are queued.
// Recorded graphs hold the work with the addresses that it had. Memory is full of NaN until it is written.
#ifndef HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_
#define HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {

inline constexpr int kEmulatedDevices = 3;

// The memory of all devices together.
struct EmulatedMemory {
  int64_t capacity = int64_t{1} << 40;
  int64_t used = 0;
  int64_t peak = 0;      // of used
  int64_t refusals = 0;  // allocations for which there was no room, or that were to fail
};
EmulatedMemory GetEmulatedMemory();
// Peak and refusals begin anew.
void SetEmulatedCapacity(int64_t capacity);

// The COUNT-th allocation of device memory from now on fails (1: the next one); 0: none.
void FailEmulatedAllocation(int64_t count);
// The next COUNT recordings of a graph fail after the work has been recorded.
void FailEmulatedCaptures(int64_t count);
// From what the order of the streams is drawn.
void SetEmulatedOrder(uint64_t seed);

// What has happened on all devices since ResetEmulatedCounts().
struct EmulatedCounts {
  int64_t launches = 0;  // kernels and convolutions queued, one by one
  int64_t graphs = 0;    // recorded
  int64_t graph_launches = 0;
  int64_t bytes_to_device = 0, bytes_to_host = 0;
  int64_t bytes_beside_work = 0;  // to the device, in a stream beside one that has something to do
  int64_t allocations = 0, pinned_allocations = 0;
  int64_t waits = 0;    // of the host, for a stream or an event
  int64_t queries = 0;  // of the heuristics for convolutions
  int64_t plans = 0;    // of convolutions, built
};
EmulatedCounts GetEmulatedCounts();
void ResetEmulatedCounts();

// For the emulated libraries: adds to the counts.
void CountEmulated(const std::function<void(EmulatedCounts*)>& change);

// Queues WORK in STREAM, whose device must be the calling thread's. An error of WORK is what the stream's next
// Synchronize() returns. (CUDA's launch of a kernel, for launch.cuh and the emulated libraries.)
absl::Status QueueEmulated(CudaStreamHandle stream, std::function<absl::Status()> work);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_EMULATION_EMULATION_H_
