#include "model/cuda/cuda_graph.h"

#include <cuda_runtime_api.h>

#include "base/status_macros.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {

absl::StatusOr<CudaGraph> CudaGraph::Capture(CudaStreamHandle stream, const std::function<absl::Status()>& record) {
  // Other threads may use the device meanwhile.
  CUDA_RETURN_IF_ERROR(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "starting to record a graph");
  const absl::Status recorded = record();
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &graph);  // also after an error: the stream must come free
  if (!recorded.ok() || ended != cudaSuccess) {
    // The error of a broken recording (cudaErrorStreamCaptureInvalidated) stays with the thread until it is asked for,
    // and would be found by the check of the next launch, which has nothing to do with it.
    cudaGetLastError();
    if (graph != nullptr) cudaGraphDestroy(graph);
  }
  RETURN_IF_ERROR(recorded);
  CUDA_RETURN_IF_ERROR(ended, "recording a graph");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t instantiated = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  CUDA_RETURN_IF_ERROR(instantiated, "making a graph ready");
  CudaGraph result;
  result.graph_.reset(executable);
  return result;
}

absl::Status CudaGraph::Launch(CudaStreamHandle stream) const {
  CUDA_RETURN_IF_ERROR(cudaGraphLaunch(graph_.get(), stream), "launching a graph");
  return absl::OkStatus();
}

void CudaGraph::Destroy::operator()(CUgraphExec_st* graph) const { cudaGraphExecDestroy(graph); }

}  // namespace hardface::model
