// 2-D convolution with "same" zero padding and stride 1: kernels 1x1 and 3x3, any dilation, an optional fused ReLU.
#ifndef HARDFACE_MODEL_OPS_CONV2D_H_
#define HARDFACE_MODEL_OPS_CONV2D_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/tensor.h"

namespace hardface {

struct Conv2dSpec {
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 3;    // 1 or 3
  int dilation = 1;  // distance between kernel taps; the padding is dilation * (kernel - 1) / 2
  bool relu = false;
};

enum class Conv2dEngine {
  kFastest,    // oneDNN: Winograd where it supports the shape, else direct
  kDirect,     // oneDNN's direct convolution
  kReference,  // plain loops; what everything else is tested against
};

struct Conv2dConfig {
  Conv2dSpec spec;
  Shape input;             // (N, in_channels, H, W)
  int in_block = 1;        // layout of input and its gradient
  int out_block = 1;       // layout of output and its gradient
  bool training = false;   // the backward functions will be called
  bool input_grad = true;  // ... and BackwardData among them
  Conv2dEngine engine = Conv2dEngine::kFastest;
};

// One convolution at one input shape. Owns its weights in whatever form it computes with; activations and gradients are
// the caller's. Calls are not thread-safe; each uses all OpenMP threads.
class Conv2d {
 public:
  virtual ~Conv2d() = default;

  // WEIGHTS (out, in, kernel, kernel) and BIAS (out) are copied; call again when they have changed.
  virtual void SetWeights(const float* weights, const float* bias) = 0;
  // IN (N, in, H, W) -> OUT (N, out, H, W).
  virtual void Forward(const TensorView& in, const TensorView& out) = 0;
  // GRAD_OUT is the gradient before the ReLU (ReluBackward has been applied); GRAD_IN is overwritten.
  virtual void BackwardData(const TensorView& grad_out, const TensorView& grad_in) = 0;
  // Adds to GRAD_WEIGHTS (out, in, kernel, kernel) and GRAD_BIAS (out).
  virtual void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                               float* grad_bias) = 0;
};

// InvalidArgument for a spec or shape that cannot be computed, naming it.
absl::StatusOr<std::unique_ptr<Conv2d>> MakeConv2d(const Conv2dConfig& config);

}  // namespace hardface

#endif  // HARDFACE_MODEL_OPS_CONV2D_H_
