// ReLU: max(x, 0).
#ifndef HARDFACE_MODEL_OPS_RELU_H_
#define HARDFACE_MODEL_OPS_RELU_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// IN and OUT of one shape and layout; they may be the same memory.
void Relu(const TensorView& in, const TensorView& out);

// GRADIENT (in place): kept where the forward OUTPUT is positive, zero elsewhere.
void ReluBackward(const TensorView& output, const TensorView& gradient);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_RELU_H_
