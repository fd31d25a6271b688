#include "model/ops/conv2d_cuda.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "model/cuda/cudnn_conv.h"

namespace hardface::model {
namespace {

// Of the heuristics' list, best guess first: the fastest is among the first, and every more costs time once.
constexpr size_t kMostEnginesTimed = 12;
constexpr int kTimedRuns = 3;

int64_t AlignUp(int64_t bytes) { return (bytes + 255) / 256 * 256; }

// Tensors to time with, as large as the problem's.
struct TimingBuffers {
  DeviceMemory first, second, bias, result, workspace;
  CudaEvent begin, end;

  static absl::StatusOr<TimingBuffers> Create(const ConvProblem& problem) {
    const int64_t element = ElementBytes(ElementTypeOf(problem.precision));
    const int64_t pixels = int64_t{problem.n} * problem.h * problem.w;
    const int64_t in = pixels * problem.in_channels * element, out = pixels * problem.out_channels * element;
    const int64_t weights =
        int64_t{problem.out_channels} * problem.in_channels * problem.kernel * problem.kernel * element;
    const bool data = problem.pass == ConvPass::kBackwardData, filter = problem.pass == ConvPass::kBackwardWeights;
    const std::string purpose = "timing " + problem.ToString();
    TimingBuffers buffers;
    ASSIGN_OR_RETURN(buffers.first, DeviceMemory::Allocate(data ? out : in, purpose));
    ASSIGN_OR_RETURN(buffers.second, DeviceMemory::Allocate(filter ? out : weights, purpose));
    ASSIGN_OR_RETURN(buffers.bias, DeviceMemory::Allocate(problem.out_channels * element, purpose));
    ASSIGN_OR_RETURN(buffers.result, DeviceMemory::Allocate(data ? in : filter ? weights : out, purpose));
    ASSIGN_OR_RETURN(buffers.begin, CudaEvent::Create(/*timed=*/true));
    ASSIGN_OR_RETURN(buffers.end, CudaEvent::Create(/*timed=*/true));
    return buffers;
  }

  // Zeros: values do not change the time of dense products, and no number may overflow.
  absl::Status Clear(CudaStreamHandle stream) const {
    for (const DeviceMemory* memory : {&first, &second, &bias}) {
      RETURN_IF_ERROR(FillWithZeros(memory->data(), memory->bytes(), stream));
    }
    return absl::OkStatus();
  }
};

bool HasBias(ConvPass pass) { return pass == ConvPass::kForwardBias || pass == ConvPass::kForwardBiasRelu; }

// Milliseconds of the fastest of a few runs.
absl::StatusOr<float> TimePlan(ConvPass pass, ConvPlan* plan, TimingBuffers* buffers, const CudaContext& context) {
  RETURN_IF_ERROR(buffers->workspace.Grow(plan->workspace_bytes(), "timing a convolution"));
  const ConvPlan::Pointers pointers{buffers->first.data(), buffers->second.data(),
                                    HasBias(pass) ? buffers->bias.data() : nullptr, buffers->result.data()};
  float best = std::numeric_limits<float>::infinity();
  for (int run = 0; run <= kTimedRuns; ++run) {
    RETURN_IF_ERROR(buffers->begin.Record(context.stream().handle()));
    RETURN_IF_ERROR(plan->Execute(context.cudnn(), pointers, buffers->workspace.data()));
    RETURN_IF_ERROR(buffers->end.Record(context.stream().handle()));
    RETURN_IF_ERROR(buffers->end.Synchronize());
    ASSIGN_OR_RETURN(const float milliseconds, buffers->end.MillisecondsSince(buffers->begin));
    if (run > 0) best = std::min(best, milliseconds);  // the first run loads the kernel
  }
  return best;
}

struct FastestPlan {
  std::unique_ptr<ConvPlan> plan;  // null where no engine works
  std::string engine;
  bool all_timed = true;  // none was left out for want of memory
};

absl::StatusOr<FastestPlan> FindFastest(const ConvProblem& problem, int64_t most_workspace,
                                        const std::vector<ConvEngine>& engines, const CudaContext& context) {
  ASSIGN_OR_RETURN(TimingBuffers buffers, TimingBuffers::Create(problem));
  RETURN_IF_ERROR(buffers.Clear(context.stream().handle()));
  FastestPlan fastest;
  absl::Status exhausted;
  float best = std::numeric_limits<float>::infinity();
  size_t timed = 0;
  for (const ConvEngine& engine : engines) {
    if (timed == kMostEnginesTimed && fastest.plan != nullptr) break;
    auto plan = ConvPlan::Create(engine, CudnnTarget{context.cudnn(), nullptr});
    if (!plan.ok() || (*plan)->workspace_bytes() > most_workspace) continue;
    const auto milliseconds = TimePlan(problem.pass, plan->get(), &buffers, context);
    // Some engines turn out unfit when they are run. After a failure inside a kernel nothing works any more, and the
    // last line here says so.
    if (absl::IsResourceExhausted(milliseconds.status())) exhausted = milliseconds.status();
    if (!milliseconds.ok()) continue;
    ++timed;
    if (*milliseconds >= best) continue;
    best = *milliseconds;
    fastest.plan = std::move(*plan);
    fastest.engine = engine.name;
  }
  RETURN_IF_ERROR(context.stream().Synchronize());
  // Want of memory is no want of engines: with less in its place, there may be enough.
  if (fastest.plan == nullptr) RETURN_IF_ERROR(exhausted);
  fastest.all_timed = exhausted.ok();
  return fastest;
}

// The plan of the engine called NAME; null where there is none, or none that can be used.
std::unique_ptr<ConvPlan> PlanNamed(const std::string& name, int64_t most_workspace,
                                    const std::vector<ConvEngine>& engines, const CudnnTarget& target) {
  for (const ConvEngine& engine : engines) {
    if (engine.name != name) continue;
    auto plan = ConvPlan::Create(engine, target);
    if (plan.ok() && (*plan)->workspace_bytes() <= most_workspace) return std::move(*plan);
  }
  return nullptr;
}

// The plan for PROBLEM: the one that the cache names, or the fastest. Null where cuDNN has no engine.
absl::StatusOr<std::unique_ptr<ConvPlan>> ChoosePlan(const ConvProblem& problem, int64_t most_workspace,
                                                     CudaContext* context) {
  const CudnnTarget target{context->cudnn(), nullptr};
  ASSIGN_OR_RETURN(const std::vector<ConvEngine> engines, FindConvEngines(problem, target));
  std::string key = context->plan_key_prefix() + problem.ToString();
  // Under a memory limit slower engines win, which others must not follow.
  if (most_workspace != kMostConvWorkspace) absl::StrAppend(&key, " within ", most_workspace, " bytes");
  const std::optional<std::string> known = context->plan_cache().Find(key);
  if (known.has_value()) {
    if (auto plan = PlanNamed(*known, most_workspace, engines, target); plan != nullptr) return plan;
  }
  ASSIGN_OR_RETURN(FastestPlan fastest, FindFastest(problem, most_workspace, engines, *context));
  if (fastest.plan == nullptr || !fastest.all_timed) return std::move(fastest.plan);
  ASSIGN_OR_RETURN(const std::string stands, context->plan_cache().Insert(key, fastest.engine, known));
  if (stands == fastest.engine) return std::move(fastest.plan);
  auto plan = PlanNamed(stands, most_workspace, engines, target);
  return plan != nullptr ? std::move(plan) : std::move(fastest.plan);
}

class CudnnConv2d : public Conv2dCuda {
 public:
  CudnnConv2d(const Conv2dCudaConfig& config, std::shared_ptr<CudaContext> context)
      : config_(config), type_(ElementTypeOf(config.precision)), context_(std::move(context)) {}

  absl::Status MakePlans() {
    ConvProblem problem;
    problem.precision = config_.precision;
    problem.n = config_.input.n;
    problem.h = config_.input.h;
    problem.w = config_.input.w;
    problem.in_channels = StoredChannels(config_.spec.in_channels);
    problem.out_channels = StoredChannels(config_.spec.out_channels);
    problem.kernel = config_.spec.kernel;
    problem.dilation = config_.spec.dilation;
    problem.deterministic = config_.deterministic;
    problem.pass = config_.spec.relu ? ConvPass::kForwardBiasRelu : ConvPass::kForwardBias;
    ASSIGN_OR_RETURN(forward_, ChoosePlan(problem, config_.most_workspace, context_.get()));
    fused_ = forward_ != nullptr;
    if (!fused_) RETURN_IF_ERROR(MakePlan(problem, ConvPass::kForward, &forward_));
    if (!config_.training) return absl::OkStatus();
    RETURN_IF_ERROR(MakePlan(problem, ConvPass::kBackwardWeights, &backward_weights_));
    if (!config_.input_grad) return absl::OkStatus();
    return MakePlan(problem, ConvPass::kBackwardData, &backward_data_);
  }

  // Of the weights' gradient: its packed form, the bias gradient's scratch, and the plan's own.
  int64_t workspace_bytes() const override {
    int64_t bytes = forward_->workspace_bytes();
    if (backward_data_ != nullptr) bytes = std::max(bytes, backward_data_->workspace_bytes());
    if (backward_weights_ != nullptr) {
      bytes = std::max(bytes, PackedGradientBytes() + BiasScratchBytes() + backward_weights_->workspace_bytes());
    }
    return bytes;
  }

  absl::Status Forward(const DeviceConvWeights& weights, const DeviceTensor& in, const DeviceTensor& out,
                       void* workspace) override {
    RETURN_IF_ERROR(CheckShapes(in, out));
    const void* const bias = fused_ ? weights.bias() : nullptr;
    RETURN_IF_ERROR(forward_->Execute(context_->cudnn(), {in.data, weights.weights(), bias, out.data}, workspace));
    return fused_ ? absl::OkStatus() : AddBias(weights.bias(), config_.spec.relu, out, context_->stream().handle());
  }

  absl::Status BackwardData(const DeviceConvWeights& weights, const DeviceTensor& grad_out, const DeviceTensor& grad_in,
                            void* workspace) override {
    HARDFACE_CHECK(backward_data_ != nullptr);
    RETURN_IF_ERROR(CheckShapes(grad_in, grad_out));
    return backward_data_->Execute(context_->cudnn(), {grad_out.data, weights.weights(), nullptr, grad_in.data},
                                   workspace);
  }

  absl::Status BackwardWeights(const DeviceTensor& in, const DeviceTensor& grad_out, float* grad_weights,
                               float* grad_bias, void* workspace) override {
    HARDFACE_CHECK(backward_weights_ != nullptr);
    RETURN_IF_ERROR(CheckShapes(in, grad_out));
    char* const packed = static_cast<char*>(workspace);
    char* const bias_scratch = packed + PackedGradientBytes();
    const CudaStreamHandle stream = context_->stream().handle();
    RETURN_IF_ERROR(backward_weights_->Execute(context_->cudnn(), {in.data, grad_out.data, nullptr, packed},
                                               bias_scratch + BiasScratchBytes()));
    const Conv2dSpec& spec = config_.spec;
    RETURN_IF_ERROR(
        AddPackedWeights(packed, spec.out_channels, spec.in_channels, spec.kernel, type_, grad_weights, stream));
    return BiasGradient(grad_out, reinterpret_cast<float*>(bias_scratch), grad_bias, stream);
  }

 private:
  absl::Status MakePlan(ConvProblem problem, ConvPass pass, std::unique_ptr<ConvPlan>* plan) const {
    problem.pass = pass;
    ASSIGN_OR_RETURN(*plan, ChoosePlan(problem, config_.most_workspace, context_.get()));
    if (*plan != nullptr) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat("cuDNN has no engine for ", problem.ToString(), " on ",
                                                 context_->device().name, "; try another --precision"));
  }

  absl::Status CheckShapes(const DeviceTensor& in, const DeviceTensor& out) const {
    Shape expected = config_.input;
    expected.c = config_.spec.out_channels;
    if (in.shape == config_.input && out.shape == expected && in.type == type_ && out.type == type_) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("a convolution of ", config_.input.ToString(), " to ",
                                                   expected.ToString(), " was called with tensors of ",
                                                   in.shape.ToString(), " and ", out.shape.ToString()));
  }

  int64_t PackedGradientBytes() const {
    return AlignUp(PackedWeightBytes(config_.spec.out_channels, config_.spec.in_channels, config_.spec.kernel, type_));
  }
  int64_t BiasScratchBytes() const { return AlignUp(BiasGradientScratchBytes(config_.spec.out_channels)); }

  const Conv2dCudaConfig config_;
  const ElementType type_;
  const std::shared_ptr<CudaContext> context_;
  bool fused_ = false;  // bias and ReLU within forward_
  std::unique_ptr<ConvPlan> forward_, backward_data_, backward_weights_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig& config,
                                                               std::shared_ptr<CudaContext> context) {
  const Conv2dSpec& spec = config.spec;
  if ((spec.kernel != 1 && spec.kernel != 3) || spec.in_channels < 1 || spec.out_channels < 1 || spec.dilation < 1 ||
      config.input.c != spec.in_channels || config.input.size() <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution of kernel ", spec.kernel, ", ", spec.in_channels,
                                                   " to ", spec.out_channels, " channels and dilation ", spec.dilation,
                                                   " over ", config.input.ToString(), " is not possible"));
  }
  auto convolution = std::make_unique<CudnnConv2d>(config, std::move(context));
  RETURN_IF_ERROR(convolution->MakePlans());
  return convolution;
}

}  // namespace hardface::model
