// Executors of one network for several input shapes, the most recently used ones kept.
#ifndef HARDFACE_MODEL_EXECUTOR_CACHE_H_
#define HARDFACE_MODEL_EXECUTOR_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>

#include "absl/status/statusor.h"
#include "model/executor.h"
#include "model/network.h"
#include "model/parameters.h"
#include "model/tensor.h"

namespace hardface {

// Not thread-safe.
class ExecutorCache {
 public:
  // Keeps executors of up to MAX_BYTES of activations together; the one in use is always kept.
  ExecutorCache(NetworkSpec network, ExecutorOptions options, int64_t max_bytes = int64_t{4} << 30);

  // The executor for SHAPE with PARAMETERS set. VERSION tells whether they have changed since they were set last; start
  // at 0 and count up. The pointer is valid until the next call.
  absl::StatusOr<Executor*> Get(const Shape& shape, const ParameterSet& parameters, int64_t version);

 private:
  struct Entry {
    Shape shape;
    int64_t version;
    std::unique_ptr<Executor> executor;
  };

  const NetworkSpec network_;
  const ExecutorOptions options_;
  const int64_t max_bytes_;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace hardface

#endif  // HARDFACE_MODEL_EXECUTOR_CACHE_H_
