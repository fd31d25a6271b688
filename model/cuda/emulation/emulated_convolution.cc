// Convolutions by the CPU's, in fp32 between tensors of any element type. Creating one takes, for a moment, the memory
// that timing engines takes.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/device_element.cuh"
#include "model/ops/conv2d.h"
#include "model/ops/conv2d_cuda.h"
#include "model/ops/tensor.h"

namespace hardface::model {
namespace {

constexpr int64_t kWorkspace = 1 << 20;

template <typename T>
float ElementOf(const void* data, int64_t i) {
  return Element<T>::ToFloat(static_cast<const T*>(data)[i]);
}

float ElementAt(ElementType type, const void* data, int64_t i) {
  switch (type) {
    case ElementType::kFloat:
      return ElementOf<float>(data, i);
    case ElementType::kBfloat16:
      return ElementOf<DeviceBfloat16>(data, i);
    case ElementType::kHalf:
      break;
  }
  return ElementOf<DeviceHalf>(data, i);
}

class EmulatedConv2d : public Conv2dCuda {
 public:
  explicit EmulatedConv2d(const Conv2dCudaConfig& config) : config_(config), type_(ElementTypeOf(config.precision)) {
    Conv2dConfig cpu;
    cpu.spec = config.spec;
    cpu.input = config.input;
    cpu.training = config.training;
    cpu.input_grad = config.input_grad;
    convolution_ = *MakeConv2d(cpu);
  }

  int64_t workspace_bytes() const override { return std::min(kWorkspace, config_.most_workspace); }

  absl::Status Forward(const DeviceConvWeights& weights, const DeviceTensor& in, const DeviceTensor& out,
                       void* workspace) override {
    RETURN_IF_ERROR(Check(in, workspace));
    SetWeights(weights);
    const Tensor host_in(in.shape), host_out(out.shape);
    RETURN_IF_ERROR(ToPlanar(in, host_in.data(), nullptr));
    convolution_->Forward(host_in.view(), host_out.view());
    return FromPlanar(host_out.data(), 1, out, nullptr);
  }
  absl::Status BackwardData(const DeviceConvWeights& weights, const DeviceTensor& grad_out, const DeviceTensor& grad_in,
                            void* workspace) override {
    RETURN_IF_ERROR(Check(grad_in, workspace));
    SetWeights(weights);
    const Tensor host_out(grad_out.shape), host_in(grad_in.shape);
    RETURN_IF_ERROR(ToPlanar(grad_out, host_out.data(), nullptr));
    convolution_->BackwardData(host_out.view(), host_in.view());
    return FromPlanar(host_in.data(), 1, grad_in, nullptr);
  }
  absl::Status BackwardWeights(const DeviceTensor& in, const DeviceTensor& grad_out, float* grad_weights,
                               float* grad_bias, void* workspace) override {
    RETURN_IF_ERROR(Check(in, workspace));
    const Tensor host_in(in.shape), host_out(grad_out.shape);
    RETURN_IF_ERROR(ToPlanar(in, host_in.data(), nullptr));
    RETURN_IF_ERROR(ToPlanar(grad_out, host_out.data(), nullptr));
    convolution_->BackwardWeights(host_in.view(), host_out.view(), grad_weights, grad_bias);
    return absl::OkStatus();
  }

 private:
  absl::Status Check(const DeviceTensor& in, void* workspace) const {
    if (workspace == nullptr || in.type != type_ || in.shape != config_.input) {
      return absl::InvalidArgumentError("an emulated convolution of another input, or without workspace");
    }
    static_cast<char*>(workspace)[workspace_bytes() - 1] = 1;
    return absl::OkStatus();
  }

  // Back from (stored out, taps, stored in).
  void SetWeights(const DeviceConvWeights& packed) {
    const Conv2dSpec& spec = config_.spec;
    const int taps = spec.kernel * spec.kernel, stride = StoredChannels(spec.in_channels);
    weights_.clear();
    bias_.clear();
    for (int o = 0; o < spec.out_channels; ++o) {
      bias_.push_back(ElementAt(type_, packed.bias(), o));
      for (int i = 0; i < spec.in_channels; ++i) {
        for (int t = 0; t < taps; ++t) {
          weights_.push_back(ElementAt(type_, packed.weights(), int64_t{o * taps + t} * stride + i));
        }
      }
    }
    convolution_->weights().Set(weights_.data(), bias_.data());
  }

  const Conv2dCudaConfig config_;
  const ElementType type_;
  std::unique_ptr<Conv2d> convolution_;
  std::vector<float> weights_, bias_;  // where the convolution reads them
};

}  // namespace

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig& config,
                                                               std::shared_ptr<CudaContext>) {
  const Shape& in = config.input;
  const DeviceTensor input{nullptr, in, ElementTypeOf(config.precision)};
  const DeviceTensor output{nullptr, {in.n, config.spec.out_channels, in.h, in.w}, input.type};
  ASSIGN_OR_RETURN(const DeviceMemory first, DeviceMemory::Allocate(input.bytes(), "timing"));
  ASSIGN_OR_RETURN(const DeviceMemory second, DeviceMemory::Allocate(output.bytes(), "timing"));
  return std::make_unique<EmulatedConv2d>(config);
}

}  // namespace hardface::model
