#include "model/ops/device_conv_weights.h"

#include "base/status_macros.h"
#include "model/ops/device_ops.h"

namespace hardface::model {

absl::StatusOr<std::shared_ptr<DeviceConvWeights>> DeviceConvWeights::Create(int out_channels, int in_channels,
                                                                             int kernel, ElementType type) {
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

}  // namespace hardface::model
