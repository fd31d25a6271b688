// A convolution's weights on a CUDA device. Without --config=cuda every call is FailedPrecondition.
#ifndef HARDFACE_MODEL_OPS_DEVICE_CONV_WEIGHTS_H_
#define HARDFACE_MODEL_OPS_DEVICE_CONV_WEIGHTS_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/precision.h"
#include "model/cuda/weight_order.h"

namespace hardface::model {

// A layer's weights and bias as cuDNN reads them. Layers and executors that share weights share one of these.
class DeviceConvWeights {
 public:
  static absl::StatusOr<std::shared_ptr<DeviceConvWeights>> Create(int out_channels, int in_channels, int kernel,
                                                                   ElementType type);
  // From fp32 WEIGHTS (out, kernel, kernel, in) and BIAS (out) in device memory; to be called when they have changed.
  absl::Status Set(const float* weights, const float* bias, CudaStreamHandle stream);

  const void* weights() const { return weights_.data(); }
  const void* bias() const { return bias_.data(); }
  // For PackAll(), but for where the parameters lie.
  PackedParameter packed_weights() const { return {0, 0, weights_.data(), in_channels_, StoredChannels(in_channels_)}; }
  PackedParameter packed_bias() const { return {0, 0, bias_.data()}; }
  int64_t bytes() const { return weights_.bytes() + bias_.bytes(); }

 private:
  int out_channels_ = 0, in_channels_ = 0, kernel_ = 0;
  ElementType type_ = ElementType::kFloat;
  DeviceMemory weights_, bias_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_DEVICE_CONV_WEIGHTS_H_
