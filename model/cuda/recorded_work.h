// Work that a stream gets again and again: it is queued call by call at first, then recorded as a graph, and from then
// on launched as a whole.
#ifndef HARDFACE_MODEL_CUDA_RECORDED_WORK_H_
#define HARDFACE_MODEL_CUDA_RECORDED_WORK_H_

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "model/cuda/cuda_graph.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {

// Not thread-safe.
class RecordedWork {
 public:
  // The first RUNS_BEFORE (at least 1) runs are call by call. The first one may load kernels and allocate in the
  // libraries, which a graph cannot record; more of them where work may never come again.
  explicit RecordedWork(int runs_before = 1) : runs_before_(runs_before) {}

  // Queues WORK in STREAM. WORK queues the same calls with the same addresses and numbers at every run until Forget();
  // it may be called twice here, and must not be what counts how often it ran. Where it cannot be recorded, which is
  // told once a process, it is queued call by call for ever.
  absl::Status Run(CudaStreamHandle stream, const std::function<absl::Status()>& work);

  // WORK will queue something else from now on. What was recorded must not be running any more.
  void Forget();

  // Whether the next Run() launches a graph.
  bool recorded() const { return graph_.has_value(); }

 private:
  int runs_before_;
  int runs_ = 0;
  bool refused_ = false;
  std::optional<CudaGraph> graph_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_RECORDED_WORK_H_
