// What a library for convolutions offers to the one who chooses among its engines (conv_planner.h). cuDNN is one
// (cudnn_conv.h); the emulated devices of the tests have another.
#ifndef HARDFACE_MODEL_CUDA_CONV_PLAN_H_
#define HARDFACE_MODEL_CUDA_CONV_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/conv_problem.h"

namespace hardface::model {

// A way to compute a problem: an engine of the library and the values of its knobs. From these a plan is made without
// asking the library's heuristics, also for other sizes than the choice was made for.
struct ConvChoice {
  int64_t engine = 0;
  std::vector<std::pair<int64_t, int64_t>> knobs;  // (type, value), as the library lists them

  // "engine 57 knobs 0=3 12=1", and back. InvalidArgument for other texts.
  std::string ToString() const;
  static absl::StatusOr<ConvChoice> Parse(const std::string& text);
};

// Device pointers, 16-byte aligned: forward x, w, y (and b); backward data dy, w, dx; backward weights x, dy, dw.
struct ConvPointers {
  const void* first = nullptr;
  const void* second = nullptr;
  const void* bias = nullptr;
  void* result = nullptr;

  bool operator==(const ConvPointers& o) const {
    return first == o.first && second == o.second && bias == o.bias && result == o.result;
  }
};

// A plan in one user's hands: it remembers what the last call used, since the executor calls with the same pointers
// again and again. Not thread-safe.
class ConvCall {
 public:
  virtual ~ConvCall() = default;
  // WORKSPACE has the plan's workspace_bytes(). Queues the work in the library's stream.
  virtual absl::Status Execute(const ConvPointers& pointers, void* workspace) = 0;
};

// One convolution made ready for one engine; does not change, and layers with equal problems share it.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  virtual int64_t workspace_bytes() const = 0;
  // The call must not outlive the plan.
  virtual std::unique_ptr<ConvCall> NewCall() const = 0;
};

class ConvLibrary {
 public:
  virtual ~ConvLibrary() = default;

  enum class Heuristic { kBest, kFallback };
  // What the library proposes, best guess first, without what breaks the precision's promises (fp32 on tensor cores,
  // fp16 sums) or the determinism asked for. May be empty. Expensive: cuDNN takes 3 to 14 ms.
  virtual absl::StatusOr<std::vector<ConvChoice>> Propose(const ConvProblem& problem, Heuristic heuristic) = 0;
  // Compiles kernels where the engine does so. Unimplemented when the engine cannot do it after all.
  virtual absl::StatusOr<std::unique_ptr<ConvPlan>> Build(const ConvProblem& problem, const ConvChoice& choice) = 0;
};

// Times plans for one problem, in memory of its own.
class ConvTimer {
 public:
  virtual ~ConvTimer() = default;
  // Milliseconds of the fastest of a few runs. ResourceExhausted where memory is too small for it.
  virtual absl::StatusOr<float> Time(const ConvPlan& plan) = 0;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CONV_PLAN_H_
