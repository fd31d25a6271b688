// The geometry of a 2-D convolution: plain data, which descriptions of networks and the engines share.
#ifndef HARDFACE_MODEL_OPS_CONV2D_SPEC_H_
#define HARDFACE_MODEL_OPS_CONV2D_SPEC_H_

#include "model/ops/tensor.h"

namespace hardface::model {

struct Conv2dSpec {
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 3;    // 1 or 3
  int dilation = 1;  // distance between kernel taps
  bool relu = false;
  int stride = 1;    // input pixels from one output to the next
  int padding = -1;  // zeros around the input; -1 = "same", dilation * (kernel - 1) / 2

  int pad() const { return padding >= 0 ? padding : dilation * (kernel - 1) / 2; }
  // Whether the output has the input's height and width, by stride 1 and "same" padding. Only such are trained.
  bool same_size() const { return stride == 1 && pad() == dilation * (kernel - 1) / 2; }
  // The output's height or width for one of the input, rounded down; 0 or less where the kernel does not fit.
  int OutputSize(int input) const {
    const int room = input + 2 * pad() - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  // (N, out_channels, ...) of an input.
  Shape OutputShape(const Shape& input) const {
    return {input.n, out_channels, OutputSize(input.h), OutputSize(input.w)};
  }
  // Operations of a direct convolution of INPUT, 2 per multiply-add.
  double DirectFlops(const Shape& input) const {
    return 2.0 * static_cast<double>(OutputShape(input).size()) * in_channels * kernel * kernel;
  }
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONV2D_SPEC_H_
