// 2-D convolution on a CUDA device, by cuDNN; conv2d.h is the reference.
#ifndef HARDFACE_MODEL_OPS_CONV2D_CUDA_H_
#define HARDFACE_MODEL_OPS_CONV2D_CUDA_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/conv_planner.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/precision.h"
#include "model/ops/conv2d.h"
#include "model/ops/device_conv_weights.h"
#include "model/ops/device_ops.h"

namespace hardface::model {

struct Conv2dCudaConfig {
  Conv2dSpec spec;
  Shape input;  // (N, in_channels, H, W)
  Precision precision = Precision::kBf16;
  bool training = false;                      // the backward functions will be called
  bool input_grad = true;                     // ... and BackwardData among them
  bool deterministic = true;                  // the same bits at every run
  int64_t max_workspace = kMaxConvWorkspace;  // bytes; engines that need more are left out
};

// One convolution at one input shape. Creating it asks the context's planner for an engine of each pass. The first
// convolution of a size class times engines, unless the plan cache knows; that takes a good part of a second and device
// memory of the tensors' size. Afterwards nothing is allocated. All calls queue work on the context's stream. Not
// thread-safe.
class Conv2dCuda {
 public:
  // InvalidArgument for a spec or shape that cannot be computed, Unimplemented when cuDNN has no engine; both name it.
  // ResourceExhausted when the device has too little memory to time the engines with.
  static absl::StatusOr<std::unique_ptr<Conv2dCuda>> Create(const Conv2dCudaConfig& config,
                                                            std::shared_ptr<CudaContext> context);
  virtual ~Conv2dCuda() = default;

  // What WORKSPACE below must hold; calls may share it one after the other.
  virtual int64_t workspace_bytes() const = 0;

  // IN (N, in, H, W) -> OUT (spec.OutputShape), with bias and, as the spec says, ReLU.
  virtual absl::Status Forward(const DeviceConvWeights& weights, const DeviceTensor& in, const DeviceTensor& out,
                               void* workspace) = 0;
  // To be called first in the backward pass. GRAD_OUT is the gradient behind the ReLU; afterwards it is the one before
  // it, cleared where OUT, which Forward() wrote, is not positive. Adds to GRAD_BIAS (out), fp32 in device memory.
  virtual absl::Status BackwardRelu(const DeviceTensor& out, const DeviceTensor& grad_out, float* grad_bias,
                                    void* workspace) = 0;
  // GRAD_OUT is the gradient before the ReLU; GRAD_IN is overwritten.
  virtual absl::Status BackwardData(const DeviceConvWeights& weights, const DeviceTensor& grad_out,
                                    const DeviceTensor& grad_in, void* workspace) = 0;
  // Adds to GRAD_WEIGHTS (out, kernel, kernel, in), fp32 in device memory.
  virtual absl::Status BackwardWeights(const DeviceTensor& in, const DeviceTensor& grad_out, float* grad_weights,
                                       void* workspace) = 0;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONV2D_CUDA_H_
