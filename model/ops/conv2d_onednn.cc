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

memory Wrap(const memory::desc& desc, const float* data) { return memory(desc, CpuEngine(), const_cast<float*>(data)); }

class OneDnnConv2d : public Conv2d {
 public:
  // Throws dnnl::error where no kernel supports the config.
  OneDnnConv2d(const Conv2dConfig& config, Algorithm algorithm) : Conv2d(config), spec_(config.spec) {
    const Shape out_shape{config.input.n, spec_.out_channels, config.input.h, config.input.w};
    in_ = ActivationDesc(config.input, config.in_block);
    out_ = ActivationDesc(out_shape, config.out_block);
    bias_ = memory::desc({spec_.out_channels}, memory::data_type::f32, memory::format_tag::x);
    plain_weights_ = memory::desc(WeightDims(), memory::data_type::f32, memory::format_tag::oihw);
    const memory::desc any_weights(WeightDims(), memory::data_type::f32, memory::format_tag::any);
    const memory::dim reach = spec_.dilation * (spec_.kernel / 2), gap = spec_.dilation - 1;
    const OneDnnConvolution geometry{algorithm, in_, any_weights, bias_, out_, {1, 1}, {gap, gap}, {reach, reach}};

    dnnl::primitive_attr attributes;
    if (spec_.relu) {
      dnnl::post_ops operations;
      AppendRelu(&operations);
      attributes.set_post_ops(operations);
    }
    const prop_kind kind = config.training ? prop_kind::forward_training : prop_kind::forward_inference;
    const auto forward = DescribeForward(geometry, kind, attributes, CpuEngine());
    forward_ = dnnl::convolution_forward(forward);
    forward_weights_ = memory(forward.weights_desc(), CpuEngine());
    bias_memory_ = memory(bias_, CpuEngine());
    if (!config.training) return;

    if (config.input_grad) {
      const auto data = DescribeBackwardData(geometry, CpuEngine(), forward);
      data_ = dnnl::convolution_backward_data(data);
      data_weights_ = memory(data.weights_desc(), CpuEngine());
    }
    const auto weights = DescribeBackwardWeights(geometry, CpuEngine(), forward);
    weight_gradient_ = dnnl::convolution_backward_weights(weights);
    grad_weights_ = memory(weights.diff_weights_desc(), CpuEngine());
    plain_grad_weights_ = memory(plain_weights_, CpuEngine());
    grad_bias_ = memory(bias_, CpuEngine());
  }

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    HARDFACE_CHECK(out != nullptr && pooled == nullptr);
    UpdateWeights();
    forward_.execute(CpuStream(), {{DNNL_ARG_SRC, Wrap(in_, in.data)},
                                   {DNNL_ARG_WEIGHTS, forward_weights_},
                                   {DNNL_ARG_BIAS, bias_memory_},
                                   {DNNL_ARG_DST, Wrap(out_, out->data)}});
    CpuStream().wait();
  }

  void BackwardData(const TensorView& grad_out, const TensorView& grad_in) override {
    HARDFACE_CHECK(data_.has_value());
    UpdateWeights();
    data_->execute(CpuStream(), {{DNNL_ARG_DIFF_DST, Wrap(out_, grad_out.data)},
                                 {DNNL_ARG_WEIGHTS, data_weights_},
                                 {DNNL_ARG_DIFF_SRC, Wrap(in_, grad_in.data)}});
    CpuStream().wait();
  }

  void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                       float* grad_bias) override {
    HARDFACE_CHECK(weight_gradient_.has_value());
    weight_gradient_->execute(CpuStream(), {{DNNL_ARG_SRC, Wrap(in_, in.data)},
                                            {DNNL_ARG_DIFF_DST, Wrap(out_, grad_out.data)},
                                            {DNNL_ARG_DIFF_WEIGHTS, grad_weights_},
                                            {DNNL_ARG_DIFF_BIAS, grad_bias_}});
    Reorder(grad_weights_, plain_grad_weights_);
    CpuStream().wait();
    const float* from = static_cast<const float*>(plain_grad_weights_.get_data_handle());
    const int64_t count = int64_t{spec_.out_channels} * spec_.in_channels * spec_.kernel * spec_.kernel;
    for (int64_t i = 0; i < count; ++i) grad_weights[i] += from[i];
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

  static void Reorder(memory from, memory to) { dnnl::reorder(from, to).execute(CpuStream(), from, to); }

  const Conv2dSpec spec_;
  memory::desc in_, out_, bias_, plain_weights_;
  dnnl::convolution_forward forward_;
  std::optional<dnnl::convolution_backward_data> data_;
  std::optional<dnnl::convolution_backward_weights> weight_gradient_;
  memory forward_weights_, bias_memory_, data_weights_, grad_weights_, plain_grad_weights_, grad_bias_;
  int64_t version_ = -1;  // of the weights that the memories hold
};

}  // namespace

absl::StatusOr<std::unique_ptr<Conv2d>> MakeOneDnnConv2d(const Conv2dConfig& config) {
  const bool winograd_shape = config.spec.kernel == 3 && config.spec.dilation == 1;
  if (config.engine != Conv2dEngine::kOneDnnDirect && winograd_shape) {
    try {
      return std::make_unique<OneDnnConv2d>(config, Algorithm::convolution_winograd);
    } catch (const dnnl::error&) {
      // No Winograd kernel for this shape or processor: direct, below.
    }
  }
  try {
    return std::make_unique<OneDnnConv2d>(config, Algorithm::convolution_direct);
  } catch (const dnnl::error& error) {
    return absl::InternalError(
        absl::StrCat("oneDNN has no convolution for an input of ", config.input.ToString(), ": ", error.what()));
  }
}

}  // namespace hardface::model
