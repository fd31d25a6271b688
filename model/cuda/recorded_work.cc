#include "model/cuda/recorded_work.h"

#include <cstdio>
#include <mutex>
#include <utility>

#include "absl/strings/str_format.h"

namespace hardface::model {

absl::Status RecordedWork::Run(CudaStreamHandle stream, const std::function<absl::Status()>& work) {
  if (graph_.has_value()) return graph_->Launch(stream);
  if (refused_ || runs_++ < runs_before_) return work();
  auto graph = CudaGraph::Capture(stream, work);
  if (!graph.ok()) {
    // An engine of cuDNN that does what a graph cannot record; call by call it works. Other failures show there again.
    refused_ = true;
    static std::once_flag told;
    std::call_once(told, [&] {
      absl::FPrintF(stderr, "the network's work cannot be recorded as a graph, and is queued call by call: %s\n",
                    graph.status().message());
    });
    return work();
  }
  graph_ = std::move(*graph);
  return graph_->Launch(stream);
}

void RecordedWork::Forget() {
  runs_ = 0;
  graph_.reset();
}

}  // namespace hardface::model
