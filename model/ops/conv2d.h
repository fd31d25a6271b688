// 2-D convolution: kernels 1x1 and 3x3, any dilation, zero padding that is "same" or given, any stride, an optional
// fused ReLU and, for inference, an optional fused 2x2 max pooling.
#ifndef HARDFACE_MODEL_OPS_CONV2D_H_
#define HARDFACE_MODEL_OPS_CONV2D_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/ops/conv2d_spec.h"
#include "model/ops/conv_weights.h"
#include "model/ops/tensor.h"
#include "model/ops/workspace.h"

namespace hardface::model {

enum class Conv2dEngine {
  kFastest,         // our own: Winograd with the tile that a measured rule chooses (docs/ENGINE.md)
  kWinograd4,       // our own, F(4x4, 3x3) wherever it applies
  kWinograd6,       // our own, F(6x6, 3x3) wherever it applies
  kOneDnnWinograd,  // oneDNN: Winograd where it supports the shape, else direct
  kOneDnnDirect,    // oneDNN's direct convolution
  kOneDnnBf16,      // oneDNN's direct convolution of bf16 numbers summed in fp32: fast on processors with AMX
  kReference,       // plain loops; what everything else is tested against
};

// "fastest", "winograd4", "winograd6", "onednn_winograd", "onednn_direct", "onednn_bf16", "reference". InvalidArgument
// names them, or says that this processor has no instructions for bf16.
absl::StatusOr<Conv2dEngine> ParseConv2dEngine(const std::string& name);
struct Conv2dConfig {
  Conv2dSpec spec;
  Shape input;             // (N, in_channels, H, W)
  int in_block = 1;        // layout of input and its gradient
  int out_block = 1;       // layout of output and its gradient
  bool training = false;   // the backward functions will be called
  bool input_grad = true;  // ... and BackwardData among them
  Conv2dEngine engine = Conv2dEngine::kFastest;
  std::shared_ptr<ConvWeights> weights = nullptr;  // null: the convolution makes its own
  std::shared_ptr<Workspace> workspace = nullptr;  // null: the convolution makes its own
};

// One convolution at one input shape. Activations and gradients are the caller's. Calls are not thread-safe; each uses
// all OpenMP threads, and gives the same bits on any number of them (our own engines and the reference).
class Conv2d {
 public:
  virtual ~Conv2d() = default;

  ConvWeights& weights() { return *weights_; }

  // Operations of Forward's sums of products, 2 per multiply-add: those of a direct convolution, or fewer where the
  // method needs fewer (Winograd's transforms come on top).
  virtual double forward_flops() const { return direct_flops_; }
  double direct_flops() const { return direct_flops_; }

  // IN (N, in, H, W) -> OUT (spec.OutputShape). POOLED, where given, receives OUT max-pooled 2x2, (N, out, H / 2, W /
  // 2); OUT may then be null. POOLED only where FusesPooling says so.
  virtual void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) = 0;
  void Forward(const TensorView& in, const TensorView& out) { Forward(in, &out, nullptr); }

  // Whether this convolution, on the output of BEFORE, can be computed in strips (ForwardAfter), and saves memory so:
  // the rows of BEFORE's output that are held at a time, at most half of all; else 0.
  virtual int StripRows(const Conv2d& before) const;
  // Forward of BEFORE's output on IN, to the same bits, without ever having all of that output. WINDOW (1, BEFORE's
  // channels, StripRows(BEFORE), W) takes the rows in use.
  virtual void ForwardAfter(Conv2d* before, const TensorView& in, const TensorView& window, const TensorView* out,
                            const TensorView* pooled);

  // GRAD_OUT is the gradient before the ReLU (ReluBackward has been applied); GRAD_IN is overwritten.
  virtual void BackwardData(const TensorView& grad_out, const TensorView& grad_in) = 0;
  // Adds to GRAD_WEIGHTS (out, in, kernel, kernel) and GRAD_BIAS (out).
  virtual void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                               float* grad_bias) = 0;

 protected:
  explicit Conv2d(const Conv2dConfig& config);
  const std::shared_ptr<ConvWeights> weights_;
  const std::shared_ptr<Workspace> workspace_;

 private:
  const double direct_flops_;
};

// Whether that convolution's Forward takes POOLED.
bool FusesPooling(const Conv2dConfig& config);

// InvalidArgument for a spec or shape that cannot be computed, naming it.
absl::StatusOr<std::unique_ptr<Conv2d>> MakeConv2d(const Conv2dConfig& config);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONV2D_H_
