// Convolutions by the CPU's, fp32. Creating one takes, for a moment, the memory that timing engines takes.
#include <memory>
#include <utility>
#include <vector>

#include "data_tools/base/status_macros.h"
#include "model/ops/conv2d.h"
#include "model/ops/conv2d_cuda.h"
#include "model/tensor.h"

namespace hardface {
namespace {

// Some, and all that is allowed where there is a limit.
int64_t WorkspaceOf(const Conv2dCudaConfig& config) {
  return config.most_workspace == kMostConvWorkspace ? 1 << 20 : config.most_workspace;
}

class EmulatedConv2d : public Conv2dCuda {
 public:
  explicit EmulatedConv2d(const Conv2dCudaConfig& config) : config_(config) {
    Conv2dConfig cpu;
    cpu.spec = config.spec;
    cpu.input = config.input;
    convolution_ = *MakeConv2d(cpu);
  }

  int64_t workspace_bytes() const override { return WorkspaceOf(config_); }

  absl::Status Forward(const DeviceConvWeights& weights, const DeviceTensor& in, const DeviceTensor& out,
                       void* workspace) override {
    if (workspace == nullptr || in.type != ElementType::kFloat || in.shape != config_.input) {
      return absl::InvalidArgumentError("an emulated convolution of another input, or without workspace");
    }
    static_cast<char*>(workspace)[workspace_bytes() - 1] = 1;
    SetWeights(weights);
    const Tensor host_in(in.shape), host_out(out.shape);
    RETURN_IF_ERROR(ToPlanar(in, host_in.data(), nullptr));
    convolution_->Forward(host_in.view(), host_out.view());
    return FromPlanar(host_out.data(), 1, out, nullptr);
  }
  absl::Status BackwardData(const DeviceConvWeights&, const DeviceTensor&, const DeviceTensor&, void*) override {
    return absl::UnimplementedError("an emulated convolution goes forward only");
  }
  absl::Status BackwardWeights(const DeviceTensor&, const DeviceTensor&, float*, float*, void*) override {
    return absl::UnimplementedError("an emulated convolution goes forward only");
  }

 private:
  // Back from (stored out, taps, stored in).
  void SetWeights(const DeviceConvWeights& packed) {
    const Conv2dSpec& spec = config_.spec;
    const int taps = spec.kernel * spec.kernel, stride = StoredChannels(spec.in_channels);
    weights_.clear();
    for (int o = 0; o < spec.out_channels; ++o) {
      for (int i = 0; i < spec.in_channels; ++i) {
        for (int t = 0; t < taps; ++t) {
          weights_.push_back(static_cast<const float*>(packed.weights())[(o * taps + t) * stride + i]);
        }
      }
    }
    convolution_->weights().Set(weights_.data(), static_cast<const float*>(packed.bias()));
  }

  const Conv2dCudaConfig config_;
  std::unique_ptr<Conv2d> convolution_;
  std::vector<float> weights_;  // where the convolution reads them
};

}  // namespace

absl::StatusOr<std::shared_ptr<DeviceConvWeights>> DeviceConvWeights::Create(int out_channels, int in_channels,
                                                                             int kernel, ElementType type) {
  if (type != ElementType::kFloat) return absl::UnimplementedError("an emulated device computes in fp32 only");
  auto weights = std::make_shared<DeviceConvWeights>();
  weights->out_channels_ = out_channels;
  weights->in_channels_ = in_channels;
  weights->kernel_ = kernel;
  weights->type_ = type;
  ASSIGN_OR_RETURN(weights->weights_,
                   DeviceMemory::Allocate(PackedWeightBytes(out_channels, in_channels, kernel, type), "weights"));
  ASSIGN_OR_RETURN(weights->bias_,
                   DeviceMemory::Allocate(int64_t{StoredChannels(out_channels)} * ElementBytes(type), "a bias"));
  return weights;
}

absl::Status DeviceConvWeights::Set(const float* weights, const float* bias, CudaStreamHandle stream) {
  RETURN_IF_ERROR(PackWeights(weights, out_channels_, in_channels_, kernel_, type_, weights_.data(), stream));
  return PackBias(bias, out_channels_, type_, bias_.data(), stream);
}

absl::StatusOr<std::unique_ptr<Conv2dCuda>> Conv2dCuda::Create(const Conv2dCudaConfig& config,
                                                               std::shared_ptr<CudaContext>) {
  if (config.precision != Precision::kFp32) return absl::UnimplementedError("an emulated device computes in fp32 only");
  const Shape& in = config.input;
  const DeviceTensor input{nullptr, in, ElementTypeOf(config.precision)};
  const DeviceTensor output{nullptr, {in.n, config.spec.out_channels, in.h, in.w}, input.type};
  ASSIGN_OR_RETURN(const DeviceMemory first, DeviceMemory::Allocate(input.bytes(), "timing"));
  ASSIGN_OR_RETURN(const DeviceMemory second, DeviceMemory::Allocate(output.bytes(), "timing"));
  ASSIGN_OR_RETURN(const DeviceMemory workspace, DeviceMemory::Allocate(WorkspaceOf(config), "timing"));
  return std::make_unique<EmulatedConv2d>(config);
}

}  // namespace hardface
