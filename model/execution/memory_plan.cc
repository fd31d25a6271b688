#include "model/execution/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace hardface::model {

MemoryPlan PlanMemory(const std::vector<BufferLifetime>& buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].floats > buffers[b].floats; });

  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<size_t> placed;  // in rising offset
  for (const size_t i : order) {
    const int64_t size = (buffers[i].floats + 15) / 16 * 16;
    int64_t offset = 0;
    for (const size_t j : placed) {
      const bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
      if (!together) continue;
      if (plan.offsets[j] >= offset + size) break;
      offset = std::max(offset, plan.offsets[j] + (buffers[j].floats + 15) / 16 * 16);
    }
    plan.offsets[i] = offset;
    plan.total = std::max(plan.total, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
                  i);
  }
  return plan;
}

}  // namespace hardface::model
