#include "model/cuda/conv_timer.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/status_macros.h"

namespace hardface::model {
namespace {

constexpr int kTimedRuns = 3;

class DeviceConvTimer : public ConvTimer {
 public:
  DeviceConvTimer(const ConvProblem& problem, const CudaStream& stream) : problem_(problem), stream_(stream) {}
  ~DeviceConvTimer() override { stream_.Synchronize().IgnoreError(); }  // what is queued uses the memory that goes

  // Tensors as large as the problem's, filled with zeros: values do not change the time of dense products, and no
  // number may overflow.
  absl::Status Allocate() {
    const int64_t element = ElementBytes(ElementTypeOf(problem_.precision));
    const int64_t in = problem_.pixels() * problem_.in_channels * element;
    const int64_t out = problem_.out_pixels() * problem_.out_channels * element;
    const int64_t weights =
        int64_t{problem_.out_channels} * problem_.in_channels * problem_.kernel * problem_.kernel * element;
    const bool data = problem_.pass == ConvPass::kBackwardData, filter = problem_.pass == ConvPass::kBackwardWeights;
    const std::string purpose = "timing " + problem_.ToString();
    ASSIGN_OR_RETURN(first_, DeviceMemory::Allocate(data ? out : in, purpose));
    ASSIGN_OR_RETURN(second_, DeviceMemory::Allocate(filter ? out : weights, purpose));
    ASSIGN_OR_RETURN(bias_, DeviceMemory::Allocate(problem_.out_channels * element, purpose));
    ASSIGN_OR_RETURN(result_, DeviceMemory::Allocate(data ? in : filter ? weights : out, purpose));
    ASSIGN_OR_RETURN(begin_, CudaEvent::Create(/*timed=*/true));
    ASSIGN_OR_RETURN(end_, CudaEvent::Create(/*timed=*/true));
    for (const DeviceMemory* memory : {&first_, &second_, &bias_}) {
      RETURN_IF_ERROR(FillWithZeros(memory->data(), memory->bytes(), stream_.handle()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<float> Time(const ConvPlan& plan) override {
    RETURN_IF_ERROR(stream_.Synchronize());  // the last plan may use the workspace that grows
    RETURN_IF_ERROR(workspace_.Grow(plan.workspace_bytes(), "timing a convolution"));
    const ConvPointers pointers{first_.data(), second_.data(), problem_.has_bias() ? bias_.data() : nullptr,
                                result_.data()};
    const std::unique_ptr<ConvCall> call = plan.NewCall();
    float best = std::numeric_limits<float>::infinity();
    for (int run = 0; run <= kTimedRuns; ++run) {
      RETURN_IF_ERROR(begin_.Record(stream_.handle()));
      RETURN_IF_ERROR(call->Execute(pointers, workspace_.data()));
      RETURN_IF_ERROR(end_.Record(stream_.handle()));
      RETURN_IF_ERROR(end_.Synchronize());
      ASSIGN_OR_RETURN(const float milliseconds, end_.MillisecondsSince(begin_));
      if (run > 0) best = std::min(best, milliseconds);  // the first run loads the kernel
    }
    return best;
  }

 private:
  const ConvProblem problem_;
  const CudaStream& stream_;
  DeviceMemory first_, second_, bias_, result_, workspace_;
  CudaEvent begin_, end_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ConvTimer>> MakeConvTimer(const ConvProblem& problem, const CudaStream& stream) {
  auto timer = std::make_unique<DeviceConvTimer>(problem, stream);
  RETURN_IF_ERROR(timer->Allocate());
  return timer;
}

}  // namespace hardface::model
