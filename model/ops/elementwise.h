// Two maps into one, number by number: sums and products.
#ifndef HARDFACE_MODEL_OPS_ELEMENTWISE_H_
#define HARDFACE_MODEL_OPS_ELEMENTWISE_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// OUT = A + B, then ReLU on request; all of one shape and layout. OUT may be A or B.
void AddMaps(const TensorView& a, const TensorView& b, bool relu, const TensorView& out);

// OUT = A * B.
void MultiplyMaps(const TensorView& a, const TensorView& b, const TensorView& out);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_ELEMENTWISE_H_
