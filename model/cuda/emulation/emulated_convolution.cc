#include "model/cuda/emulation/emulated_convolution.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/conv_timer.h"
#include "model/cuda/device_element.cuh"
#include "model/cuda/emulation/emulation.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"

namespace hardface::model {
namespace {

constexpr int64_t kWorkspace = 1 << 20;

// Calls function(T()) for the element type.
template <typename Function>
void WithElement(ElementType type, const Function& function) {
  switch (type) {
    case ElementType::kFloat:
      return function(float());
    case ElementType::kBfloat16:
      return function(DeviceBfloat16());
    case ElementType::kHalf:
      break;
  }
  function(DeviceHalf());
}

// Between (n, h, w, c) of an element type and planar floats.
void ToPlain(const void* from, ElementType type, const Tensor& to) {
  const Shape& s = to.shape();
  const int64_t pixels = int64_t{s.h} * s.w;
  WithElement(type, [&](auto zero) {
    const auto* const elements = static_cast<const decltype(zero)*>(from);
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t c = 0; c < s.c; ++c) {
          to.data()[(n * s.c + c) * pixels + p] =
              Element<decltype(zero)>::ToFloat(elements[(n * pixels + p) * s.c + c]);
        }
      }
    }
  });
}

void FromPlain(const Tensor& from, ElementType type, void* to) {
  const Shape& s = from.shape();
  const int64_t pixels = int64_t{s.h} * s.w;
  WithElement(type, [&](auto zero) {
    auto* const elements = static_cast<decltype(zero)*>(to);
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t c = 0; c < s.c; ++c) {
          elements[(n * pixels + p) * s.c + c] =
              Element<decltype(zero)>::FromFloat(from.data()[(n * s.c + c) * pixels + p]);
        }
      }
    }
  });
}

class EmulatedPlan : public ConvPlan {
 public:
  EmulatedPlan(const ConvProblem& problem, int64_t engine, CudaStreamHandle stream)
      : problem_(problem), engine_(engine), stream_(stream) {}
  int64_t workspace_bytes() const override { return engine_ == 1 ? kWorkspace : 0; }
  std::unique_ptr<ConvCall> NewCall() const override;

 private:
  const ConvProblem problem_;
  const int64_t engine_;
  const CudaStreamHandle stream_;
};

// What a queued convolution uses; it may outlive the call.
struct Work {
  ConvProblem problem;
  ElementType type;
  std::unique_ptr<Conv2d> convolution;
  Tensor weights, bias;  // where the convolution reads them
};

class EmulatedCall : public ConvCall {
 public:
  EmulatedCall(const ConvProblem& problem, int64_t workspace_bytes, CudaStreamHandle stream)
      : workspace_bytes_(workspace_bytes), stream_(stream), work_(std::make_shared<Work>()) {
    work_->problem = problem;
    work_->type = ElementTypeOf(problem.precision);
    const int k = problem.kernel;
    Conv2dConfig config;
    config.spec = {
        problem.in_channels, problem.out_channels, k, problem.dilation, problem.pass == ConvPass::kForwardBiasRelu,
        problem.stride,      problem.padding};
    config.input = {problem.n, problem.in_channels, problem.h, problem.w};
    config.training = problem.pass == ConvPass::kBackwardData || problem.pass == ConvPass::kBackwardWeights;
    work_->convolution = *MakeConv2d(config);
    work_->weights = Tensor({problem.out_channels, problem.in_channels, k, k});
    work_->bias = Tensor({1, problem.out_channels, 1, 1});
  }

  absl::Status Execute(const ConvPointers& pointers, void* workspace) override {
    if (workspace_bytes_ > 0 && workspace == nullptr) {
      return absl::InvalidArgumentError("an emulated convolution without workspace");
    }
    return QueueEmulated(stream_, [work = work_, pointers, workspace, bytes = workspace_bytes_] {
      if (bytes > 0) static_cast<char*>(workspace)[bytes - 1] = 1;
      Run(work.get(), pointers);
      return absl::OkStatus();
    });
  }

 private:
  static void SetWeights(Work* work, const void* weights, const void* bias) {
    ToPlain(weights, work->type, work->weights);
    if (bias != nullptr) {
      ToPlain(bias, work->type, work->bias);
    } else {
      work->bias = Tensor(work->bias.shape());
    }
    work->convolution->weights().Set(work->weights.data(), work->bias.data());
  }

  static void Run(Work* work, const ConvPointers& pointers) {
    Conv2d& convolution = *work->convolution;
    const ConvProblem& problem = work->problem;
    const Tensor in({problem.n, problem.in_channels, problem.h, problem.w});
    const Tensor out({problem.n, problem.out_channels, problem.out_h(), problem.out_w()});
    switch (problem.pass) {
      case ConvPass::kBackwardData:
        SetWeights(work, pointers.second, nullptr);
        ToPlain(pointers.first, work->type, out);
        convolution.BackwardData(out.view(), in.view());
        return FromPlain(in, work->type, pointers.result);
      case ConvPass::kBackwardWeights: {
        const Tensor gradient(work->weights.shape()), of_bias(work->bias.shape());
        ToPlain(pointers.first, work->type, in);
        ToPlain(pointers.second, work->type, out);
        convolution.BackwardWeights(in.view(), out.view(), gradient.data(), of_bias.data());
        return FromPlain(gradient, work->type, pointers.result);
      }
      default:
        SetWeights(work, pointers.second, pointers.bias);
        ToPlain(pointers.first, work->type, in);
        convolution.Forward(in.view(), out.view());
        return FromPlain(out, work->type, pointers.result);
    }
  }

  const int64_t workspace_bytes_;
  const CudaStreamHandle stream_;
  const std::shared_ptr<Work> work_;
};

std::unique_ptr<ConvCall> EmulatedPlan::NewCall() const {
  return std::make_unique<EmulatedCall>(problem_, workspace_bytes(), stream_);
}

class EmulatedLibrary : public ConvLibrary {
 public:
  explicit EmulatedLibrary(CudaStreamHandle stream) : stream_(stream) {}
  absl::StatusOr<std::vector<ConvChoice>> Propose(const ConvProblem&, Heuristic heuristic) override {
    CountEmulated([](EmulatedCounts* c) { ++c->queries; });
    if (heuristic == Heuristic::kFallback) return std::vector<ConvChoice>();
    return std::vector<ConvChoice>{{1, {{0, 3}}}, {2, {}}};
  }
  absl::StatusOr<std::unique_ptr<ConvPlan>> Build(const ConvProblem& problem, const ConvChoice& choice) override {
    CountEmulated([](EmulatedCounts* c) { ++c->plans; });
    return std::make_unique<EmulatedPlan>(problem, choice.engine, stream_);
  }

 private:
  const CudaStreamHandle stream_;
};

class EmulatedTimer : public ConvTimer {
 public:
  explicit EmulatedTimer(std::unique_ptr<ConvTimer> memory) : memory_(std::move(memory)) {}
  absl::StatusOr<float> Time(const ConvPlan& plan) override {
    ASSIGN_OR_RETURN(const DeviceMemory workspace, DeviceMemory::Allocate(plan.workspace_bytes(), "timing"));
    return plan.workspace_bytes() > 0 ? 1.0f : 2.0f;
  }

 private:
  const std::unique_ptr<ConvTimer> memory_;
};

}  // namespace

std::unique_ptr<ConvPlanner> MakeEmulatedPlanner(const CudaStream& stream, std::shared_ptr<PlanCache> cache) {
  const auto timers = [&stream](const ConvProblem& problem) -> absl::StatusOr<std::unique_ptr<ConvTimer>> {
    ASSIGN_OR_RETURN(auto memory, MakeConvTimer(problem, stream));
    return std::make_unique<EmulatedTimer>(std::move(memory));
  };
  return std::make_unique<ConvPlanner>(std::make_unique<EmulatedLibrary>(stream.handle()), timers, std::move(cache),
                                       "emulated: ");
}

}  // namespace hardface::model
