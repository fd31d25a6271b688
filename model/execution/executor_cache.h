// Executors of one network for several input shapes. They share weights and memory, which is as large as the largest of
// them needs; what is kept of each is its plan.
#ifndef HARDFACE_MODEL_EXECUTION_EXECUTOR_CACHE_H_
#define HARDFACE_MODEL_EXECUTION_EXECUTOR_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>

#include "absl/status/statusor.h"
#include "model/detectors/network.h"
#include "model/execution/executor.h"
#include "model/ops/tensor.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// Not thread-safe.
class ExecutorCache {
 public:
  ExecutorCache(NetworkSpec network, ExecutorOptions options);

  // The executor for SHAPE with PARAMETERS set, which must stay where they are. VERSION tells whether they have changed
  // since the last call; start at 0 and count up. The pointer and what it computes are valid until the next call.
  absl::StatusOr<Executor*> Get(const Shape& shape, const ParameterSet& parameters, int64_t version);

  const ExecutorResources& resources() const { return *options_.resources; }

 private:
  struct Entry {
    Shape shape;
    std::unique_ptr<Executor> executor;
  };

  const NetworkSpec network_;
  const ExecutorOptions options_;  // with resources
  int64_t version_ = -1;           // of the parameters set
  std::list<Entry> entries_;       // most recently used first
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_EXECUTOR_CACHE_H_
