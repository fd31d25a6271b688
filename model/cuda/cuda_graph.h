// A piece of a stream's work, recorded once and launched as a whole: without the time that queueing its hundreds of
// small calls one by one takes. Without --config=cuda there is a stub.
#ifndef HARDFACE_MODEL_CUDA_CUDA_GRAPH_H_
#define HARDFACE_MODEL_CUDA_CUDA_GRAPH_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_memory.h"

struct CUgraphExec_st;  // cudaGraphExec_t points to it

namespace hardface::model {

class CudaGraph {
 public:
  // What RECORD queues in STREAM; nothing of it runs. RECORD must neither allocate device memory nor wait. The
  // addresses that it uses are part of the graph. After an error the stream and the thread are as before, so that the
  // same work can be queued without a graph.
  static absl::StatusOr<CudaGraph> Capture(CudaStreamHandle stream, const std::function<absl::Status()>& record);

  absl::Status Launch(CudaStreamHandle stream) const;

 private:
  struct Destroy {
    void operator()(CUgraphExec_st* graph) const;
  };
  std::unique_ptr<CUgraphExec_st, Destroy> graph_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDA_GRAPH_H_
