// Concatenation of two tensors along the channels.
#ifndef HARDFACE_MODEL_OPS_CONCAT_H_
#define HARDFACE_MODEL_OPS_CONCAT_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// A (N, Ca, H, W) and B (N, Cb, H, W) -> OUT (N, Ca + Cb, H, W), A's channels first; one layout.
void ConcatChannels(const TensorView& a, const TensorView& b, const TensorView& out);

// Splits GRAD_OUT; GRAD_A and GRAD_B are overwritten.
void ConcatChannelsBackward(const TensorView& grad_out, const TensorView& grad_a, const TensorView& grad_b);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONCAT_H_
