#include "model/ops/conv2d_cuda.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "model/cuda/conv_planner.h"

namespace hardface::model {
namespace {

int64_t AlignUp(int64_t bytes) { return (bytes + 255) / 256 * 256; }

// A plan, and this layer's calls of it.
struct PlannedPass {
  std::shared_ptr<const ConvPlan> plan;
  std::unique_ptr<ConvCall> call;
};

class PlannedConv2d : public Conv2dCuda {
 public:
  PlannedConv2d(const Conv2dCudaConfig& config, std::shared_ptr<CudaContext> context)
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
    problem.stride = config_.spec.stride;
    problem.padding = config_.spec.padding;
    problem.deterministic = config_.deterministic;
    problem.pass = config_.spec.relu ? ConvPass::kForwardBiasRelu : ConvPass::kForwardBias;
    RETURN_IF_ERROR(Find(problem, &forward_));
    fused_ = forward_.plan != nullptr;
    if (!fused_) RETURN_IF_ERROR(MakePlan(problem, ConvPass::kForward, &forward_));
    if (!config_.training) return absl::OkStatus();
    RETURN_IF_ERROR(MakePlan(problem, ConvPass::kBackwardWeights, &backward_weights_));
    if (!config_.input_grad) return absl::OkStatus();
    return MakePlan(problem, ConvPass::kBackwardData, &backward_data_);
  }

  // The weights' gradient takes its packed form and the plan's own workspace, the bias gradient its sums; neither is
  // used at the same time as the other.
  int64_t workspace_bytes() const override {
    int64_t bytes = forward_.plan->workspace_bytes();
    if (backward_data_.plan != nullptr) bytes = std::max(bytes, backward_data_.plan->workspace_bytes());
    if (backward_weights_.plan != nullptr) {
      bytes = std::max(bytes, PackedGradientBytes() + backward_weights_.plan->workspace_bytes());
      bytes = std::max(bytes, BiasGradientScratchBytes(OutputShape()));
    }
    return bytes;
  }

  absl::Status Forward(const DeviceConvWeights& weights, const DeviceTensor& in, const DeviceTensor& out,
                       void* workspace) override {
    RETURN_IF_ERROR(CheckShapes(in, out));
    const void* const bias = fused_ ? weights.bias() : nullptr;
    RETURN_IF_ERROR(forward_.call->Execute({in.data, weights.weights(), bias, out.data}, workspace));
    return fused_ ? absl::OkStatus() : AddBias(weights.bias(), config_.spec.relu, out, context_->stream().handle());
  }

  absl::Status BackwardData(const DeviceConvWeights& weights, const DeviceTensor& grad_out, const DeviceTensor& grad_in,
                            void* workspace) override {
    HARDFACE_CHECK(backward_data_.plan != nullptr);
    RETURN_IF_ERROR(CheckShapes(grad_in, grad_out));
    return backward_data_.call->Execute({grad_out.data, weights.weights(), nullptr, grad_in.data}, workspace);
  }

  absl::Status BackwardRelu(const DeviceTensor& out, const DeviceTensor& grad_out, float* grad_bias,
                            void* workspace) override {
    HARDFACE_CHECK(backward_weights_.plan != nullptr);
    return ReluBiasBackward(config_.spec.relu ? &out : nullptr, grad_out, static_cast<float*>(workspace), grad_bias,
                            context_->stream().handle());
  }

  absl::Status BackwardWeights(const DeviceTensor& in, const DeviceTensor& grad_out, float* grad_weights,
                               void* workspace) override {
    HARDFACE_CHECK(backward_weights_.plan != nullptr);
    RETURN_IF_ERROR(CheckShapes(in, grad_out));
    char* const packed = static_cast<char*>(workspace);
    RETURN_IF_ERROR(
        backward_weights_.call->Execute({in.data, grad_out.data, nullptr, packed}, packed + PackedGradientBytes()));
    const Conv2dSpec& spec = config_.spec;
    return AddPackedWeights(packed, spec.out_channels, spec.in_channels, spec.kernel, type_, grad_weights,
                            context_->stream().handle());
  }

 private:
  // PASS without a plan where there is no engine.
  absl::Status Find(const ConvProblem& problem, PlannedPass* pass) const {
    ASSIGN_OR_RETURN(pass->plan, context_->conv_planner().Get(problem, config_.max_workspace));
    if (pass->plan != nullptr) pass->call = pass->plan->NewCall();
    return absl::OkStatus();
  }

  absl::Status MakePlan(ConvProblem problem, ConvPass pass, PlannedPass* planned) const {
    problem.pass = pass;
    RETURN_IF_ERROR(Find(problem, planned));
    if (planned->plan != nullptr) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat("cuDNN has no engine for ", problem.ToString(), " on ",
                                                 context_->device().name, "; try another --precision"));
  }

  absl::Status CheckShapes(const DeviceTensor& in, const DeviceTensor& out) const {
    const Shape expected = OutputShape();
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
  Shape OutputShape() const { return config_.spec.OutputShape(config_.input); }

  const Conv2dCudaConfig config_;
  const ElementType type_;
  const std::shared_ptr<CudaContext> context_;
  bool fused_ = false;  // bias and ReLU lie within forward_
  PlannedPass forward_, backward_data_, backward_weights_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig& config,
                                                               std::shared_ptr<CudaContext> context) {
  const Conv2dSpec& spec = config.spec;
  if ((spec.kernel != 1 && spec.kernel != 3) || spec.in_channels < 1 || spec.out_channels < 1 || spec.dilation < 1 ||
      spec.stride < 1 || config.input.c != spec.in_channels || config.input.size() <= 0 ||
      spec.OutputShape(config.input).size() <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution of kernel ", spec.kernel, ", ", spec.in_channels,
                                                   " to ", spec.out_channels, " channels and dilation ", spec.dilation,
                                                   " over ", config.input.ToString(), " is not possible"));
  }
  if (config.training && !spec.same_size()) {
    return absl::UnimplementedError(absl::StrCat("a convolution of stride ", spec.stride, " and padding ", spec.pad(),
                                                 " has no backward step: only those of stride 1 that keep the size"));
  }
  auto convolution = std::make_unique<PlannedConv2d>(config, std::move(context));
  RETURN_IF_ERROR(convolution->MakePlans());
  return convolution;
}

}  // namespace hardface::model
