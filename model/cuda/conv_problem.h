// One convolution as cuDNN is asked to compute it: the pass, the number format and the sizes.
#ifndef HARDFACE_MODEL_CUDA_CONV_PROBLEM_H_
#define HARDFACE_MODEL_CUDA_CONV_PROBLEM_H_

#include <cstdint>
#include <string>

#include "model/cuda/precision.h"

namespace hardface::model {

enum class ConvPass {
  kForward,          // y = conv(x, w)
  kForwardBias,      // y = conv(x, w) + b
  kForwardBiasRelu,  // y = max(conv(x, w) + b, 0)
  kBackwardData,     // dx from dy and w
  kBackwardWeights,  // dw from x and dy
};

// Tensors are dense NHWC, weights (out, kernel, kernel, in), all of the precision's
// element type; sums, bias and ReLU are computed in fp32. Channel counts are stored ones.
struct ConvProblem {
  ConvPass pass = ConvPass::kForward;
  Precision precision = Precision::kFp32;
  int n = 0, h = 0, w = 0;
  int in_channels = 0, out_channels = 0;
  int kernel = 3;
  int dilation = 1;
  int stride = 1;             // of the forward pass
  int padding = -1;           // zeros around the input; -1 = "same", dilation * (kernel / 2)
  bool deterministic = true;  // the same bits at every run

  bool has_bias() const { return pass == ConvPass::kForwardBias || pass == ConvPass::kForwardBiasRelu; }
  int64_t pixels() const { return int64_t{n} * h * w; }
  int pad() const { return padding >= 0 ? padding : kernel / 2 * dilation; }
  // The result's height and width.
  int out_h() const { return OutputSize(h); }
  int out_w() const { return OutputSize(w); }
  int64_t out_pixels() const { return int64_t{n} * out_h() * out_w(); }

  // Names the problem: equal texts are equal problems.
  std::string ToString() const;
  // Names the problem's size class: all problems that differ only in n, h and w and whose pixels lie within one step of
  // a factor of the square root of 2. What computes one of them fastest is taken for all.
  std::string SizeClass() const;

 private:
  int OutputSize(int input) const { return (input + 2 * pad() - dilation * (kernel - 1) - 1) / stride + 1; }
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CONV_PROBLEM_H_
