// Lays buffers of known lifetimes into one piece of memory, so that those that never live together share it.
#ifndef HARDFACE_MODEL_EXECUTION_MEMORY_PLAN_H_
#define HARDFACE_MODEL_EXECUTION_MEMORY_PLAN_H_

#include <cstdint>
#include <vector>

namespace hardface::model {

// A buffer is alive from step FIRST to step LAST, both included.
struct BufferLifetime {
  int64_t floats = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  // floats, of each buffer; multiples of 16 (64 bytes)
  int64_t total = 0;             // floats
};

// Greedy by size: the largest first, each at the lowest offset free throughout its life (within a few per cent of the
// optimum for chains like VGG16; Pisarchyk and Lee, 2020).
MemoryPlan PlanMemory(const std::vector<BufferLifetime>& buffers);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_MEMORY_PLAN_H_
