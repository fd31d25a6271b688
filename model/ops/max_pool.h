// 2x2 max pooling with stride 2, as VGG16 has it.
#ifndef HARDFACE_MODEL_OPS_MAX_POOL_H_
#define HARDFACE_MODEL_OPS_MAX_POOL_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// IN (N, C, 2H, 2W) -> OUT (N, C, H, W), one layout. Detectors pad their input so that no odd size meets a pool.
void MaxPool2x2(const TensorView& in, const TensorView& out);

// GRAD_IN is overwritten: each window's gradient goes to its first maximum in row-major order.
void MaxPool2x2Backward(const TensorView& in, const TensorView& grad_out, const TensorView& grad_in);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_MAX_POOL_H_
