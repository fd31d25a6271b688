// Convolution by oneDNN, its Winograd kernels asked for by name: convolution_auto never chooses them.
#include <dnnl.hpp>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "model/ops/conv2d_internal.h"
#include "model/ops/onednn_convolution.h"

namespace hardface::model {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using Algorithm = dnnl::algorithm;

const dnnl::engine& CpuEngine() {
  static const dnnl::engine* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& CpuStream() {
  static dnnl::stream* stream = new dnnl::stream(CpuEngine());
  return *stream;
}

memory::format_tag TagOf(int block) {
  if (block == 16) return memory::format_tag::nChw16c;
  if (block == 8) return memory::format_tag::nChw8c;
  HARDFACE_CHECK(block == 1);
  return memory::format_tag::nchw;
}

memory::desc ActivationDesc(const Shape& shape, int block) {
  return memory::desc({shape.n, shape.c, shape.h, shape.w}, memory::data_type::f32, TagOf(block));
}

// Pixels one after the other, all channels of one together: what the tiles of AMX want.
memory::desc PlainDesc(const Shape& shape, memory::data_type type) {
  return memory::desc({shape.n, shape.c, shape.h, shape.w}, type, memory::format_tag::nhwc);
}

memory::desc Bf16Desc(const Shape& shape) { return PlainDesc(shape, memory::data_type::bf16); }

memory Wrap(const memory::desc& desc, const float* data) { return memory(desc, CpuEngine(), const_cast<float*>(data)); }

void Reorder(memory from, memory to) { dnnl::reorder(from, to).execute(CpuStream(), from, to); }

class OneDnnConv2d : public Conv2d {
 public:
  // In bf16, inputs, weights and gradients of activations are rounded to it; sums, the weights' gradients and outputs
  // without a ReLU (those of the network) stay in fp32. Throws dnnl::error where no kernel supports the config.
  OneDnnConv2d(const Conv2dConfig& config, Algorithm algorithm, bool bf16) : Conv2d(config), spec_(config.spec) {
    const Shape out_shape = spec_.OutputShape(config.input);
    in_ = ActivationDesc(config.input, config.in_block);
    out_ = ActivationDesc(out_shape, config.out_block);
    kernel_in_ = bf16 ? Bf16Desc(config.input) : in_;
    kernel_grad_out_ = bf16 ? Bf16Desc(out_shape) : out_;
    kernel_out_ = bf16 && !spec_.relu ? PlainDesc(out_shape, memory::data_type::f32) : kernel_grad_out_;
    bias_ = memory::desc({spec_.out_channels}, memory::data_type::f32, memory::format_tag::x);
    plain_weights_ = memory::desc(WeightDims(), memory::data_type::f32, memory::format_tag::oihw);
    const auto weight_type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc any_weights(WeightDims(), weight_type, memory::format_tag::any);
    const memory::dim padding = spec_.pad(), gap = spec_.dilation - 1, stride = spec_.stride;
    OneDnnConvolution geometry{algorithm,   kernel_in_,       any_weights, bias_,
                               kernel_out_, {stride, stride}, {gap, gap},  {padding, padding}};

    // oneDNN's own scratchpad belongs to the thread that makes a primitive, and another one must not execute it then.
    dnnl::primitive_attr attributes, without_relu;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    without_relu.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (spec_.relu) {
      dnnl::post_ops operations;
      AppendRelu(&operations);
      attributes.set_post_ops(operations);
    }
    const prop_kind kind = config.training ? prop_kind::forward_training : prop_kind::forward_inference;
    const auto forward = DescribeForward(geometry, kind, attributes, CpuEngine());
    forward_ = dnnl::convolution_forward(forward);
    forward_scratchpad_ = forward.scratchpad_desc();
    forward_weights_ = memory(forward.weights_desc(), CpuEngine());
    bias_memory_ = memory(bias_, CpuEngine());
    if (!config.training) return;

    geometry.out = kernel_grad_out_;
    const auto hint = DescribeForward(geometry, kind, without_relu, CpuEngine());
    if (config.input_grad) {
      const auto data = DescribeBackwardData(geometry, without_relu, CpuEngine(), hint);
      data_ = dnnl::convolution_backward_data(data);
      data_scratchpad_ = data.scratchpad_desc();
      data_weights_ = memory(data.weights_desc(), CpuEngine());
    }
    geometry.weights = memory::desc(WeightDims(), memory::data_type::f32, memory::format_tag::any);
    const auto weights = DescribeBackwardWeights(geometry, without_relu, CpuEngine(), hint);
    weight_gradient_ = dnnl::convolution_backward_weights(weights);
    weight_gradient_scratchpad_ = weights.scratchpad_desc();
    grad_weights_ = memory(weights.diff_weights_desc(), CpuEngine());
    plain_grad_weights_ = memory(plain_weights_, CpuEngine());
    grad_bias_ = memory(bias_, CpuEngine());
  }

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    HARDFACE_CHECK(out != nullptr && pooled == nullptr);
    UpdateWeights();
    const auto [from, to, scratchpad] =
        KernelMemories(kernel_in_, in_, in.data, kernel_out_, out_, out->data, forward_scratchpad_);
    Convert(Wrap(in_, in.data), from);
    forward_.execute(CpuStream(), {{DNNL_ARG_SRC, from},
                                   {DNNL_ARG_WEIGHTS, forward_weights_},
                                   {DNNL_ARG_BIAS, bias_memory_},
                                   {DNNL_ARG_DST, to},
                                   {DNNL_ARG_SCRATCHPAD, scratchpad}});
    Convert(to, Wrap(out_, out->data));
    CpuStream().wait();
  }

  void BackwardData(const TensorView& grad_out, const TensorView& grad_in) override {
    HARDFACE_CHECK(data_.has_value());
    UpdateWeights();
    const auto [from, to, scratchpad] =
        KernelMemories(kernel_grad_out_, out_, grad_out.data, kernel_in_, in_, grad_in.data, data_scratchpad_);
    Convert(Wrap(out_, grad_out.data), from);
    data_->execute(CpuStream(), {{DNNL_ARG_DIFF_DST, from},
                                 {DNNL_ARG_WEIGHTS, data_weights_},
                                 {DNNL_ARG_DIFF_SRC, to},
                                 {DNNL_ARG_SCRATCHPAD, scratchpad}});
    Convert(to, Wrap(in_, grad_in.data));
    CpuStream().wait();
  }

  void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                       float* grad_bias) override {
    HARDFACE_CHECK(weight_gradient_.has_value());
    const auto [from, gradient, scratchpad] =
        KernelMemories(kernel_in_, in_, in.data, kernel_grad_out_, out_, grad_out.data, weight_gradient_scratchpad_);
    Convert(Wrap(in_, in.data), from);
    Convert(Wrap(out_, grad_out.data), gradient);
    weight_gradient_->execute(CpuStream(), {{DNNL_ARG_SRC, from},
                                            {DNNL_ARG_DIFF_DST, gradient},
                                            {DNNL_ARG_DIFF_WEIGHTS, grad_weights_},
                                            {DNNL_ARG_DIFF_BIAS, grad_bias_},
                                            {DNNL_ARG_SCRATCHPAD, scratchpad}});
    Reorder(grad_weights_, plain_grad_weights_);
    CpuStream().wait();
    const float* from_weights = static_cast<const float*>(plain_grad_weights_.get_data_handle());
    const int64_t count = int64_t{spec_.out_channels} * spec_.in_channels * spec_.kernel * spec_.kernel;
    for (int64_t i = 0; i < count; ++i) grad_weights[i] += from_weights[i];
    const float* bias = static_cast<const float*>(grad_bias_.get_data_handle());
    for (int i = 0; i < spec_.out_channels; ++i) grad_bias[i] += bias[i];
  }

 private:
  // Into the layouts that the primitives want.
  void UpdateWeights() {
    if (version_ == weights_->version()) return;
    const memory plain = Wrap(plain_weights_, weights_->weights());
    Reorder(plain, forward_weights_);
    if (data_) Reorder(plain, data_weights_);
    Reorder(Wrap(bias_, weights_->bias()), bias_memory_);
    CpuStream().wait();
    version_ = weights_->version();
  }

  memory::dims WeightDims() const { return {spec_.out_channels, spec_.in_channels, spec_.kernel, spec_.kernel}; }

  // What a primitive works with.
  struct Memories {
    memory a, b, scratchpad;
  };

  // Two tensors in the kernel's layouts: the callers' own where the layouts agree, else in the workspace, where the
  // scratchpad is, too.
  Memories KernelMemories(const memory::desc& kernel_a, const memory::desc& a, const float* data_a,
                          const memory::desc& kernel_b, const memory::desc& b, const float* data_b,
                          const memory::desc& scratchpad) {
    const int64_t floats_a = kernel_a == a ? 0 : Floats(kernel_a), floats_b = kernel_b == b ? 0 : Floats(kernel_b);
    float* const scratch = workspace_->Get(floats_a + floats_b + Floats(scratchpad));
    return {Wrap(kernel_a, floats_a == 0 ? data_a : scratch),
            Wrap(kernel_b, floats_b == 0 ? data_b : scratch + floats_a),
            Wrap(scratchpad, scratch + floats_a + floats_b)};
  }

  // Rounded up so that what follows is aligned.
  static int64_t Floats(const memory::desc& desc) {
    return (static_cast<int64_t>(desc.get_size() / sizeof(float)) / 16 + 1) * 16;
  }

  static void Convert(const memory& from, const memory& to) {
    if (from.get_data_handle() != to.get_data_handle()) Reorder(from, to);
  }

  const Conv2dSpec spec_;
  memory::desc in_, out_;                                  // the callers' layouts
  memory::desc kernel_in_, kernel_out_, kernel_grad_out_;  // the primitives'; the input's gradient is like the input
  memory::desc bias_, plain_weights_;
  memory::desc forward_scratchpad_, data_scratchpad_, weight_gradient_scratchpad_;
  dnnl::convolution_forward forward_;
  std::optional<dnnl::convolution_backward_data> data_;
  std::optional<dnnl::convolution_backward_weights> weight_gradient_;
  memory forward_weights_, bias_memory_, data_weights_, grad_weights_, plain_grad_weights_, grad_bias_;
  int64_t version_ = -1;  // of the weights that the memories hold
};

}  // namespace

bool HasBf16() {
  const auto isa = dnnl::get_effective_cpu_isa();
  return isa >= dnnl::cpu_isa::avx512_core_bf16;
}

absl::StatusOr<std::unique_ptr<Conv2d>> MakeOneDnnConv2d(const Conv2dConfig& config) {
  const bool bf16 = config.engine == Conv2dEngine::kOneDnnBf16;
  const bool winograd_shape = config.spec.kernel == 3 && config.spec.dilation == 1 && config.spec.same_size();
  if (config.engine != Conv2dEngine::kOneDnnDirect && !bf16 && winograd_shape) {
    try {
      return std::make_unique<OneDnnConv2d>(config, Algorithm::convolution_winograd, /*bf16=*/false);
    } catch (const dnnl::error&) {
      // No Winograd kernel for this shape or processor: direct, below.
    }
  }
  try {
    return std::make_unique<OneDnnConv2d>(config, Algorithm::convolution_direct, bf16);
  } catch (const dnnl::error& error) {
    return absl::InternalError(
        absl::StrCat("oneDNN has no convolution for an input of ", config.input.ToString(), ": ", error.what()));
  }
}

}  // namespace hardface::model
