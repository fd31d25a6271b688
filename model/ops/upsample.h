// Bilinear upsampling by 2: the published network's fixed depthwise 4x4 deconvolution with stride 2 and pad 1.
#ifndef HARDFACE_MODEL_OPS_UPSAMPLE_H_
#define HARDFACE_MODEL_OPS_UPSAMPLE_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// IN (N, C, H, W) -> OUT (N, C, 2H, 2W), one layout. Along each axis out[2i] = 3/4 in[i] + 1/4 in[i-1] and
// out[2i+1] = 3/4 in[i] + 1/4 in[i+1], with zeros outside the image: borders darken, as in the published deconvolution.
void Upsample2x(const TensorView& in, const TensorView& out);

// GRAD_IN is overwritten.
void Upsample2xBackward(const TensorView& grad_out, const TensorView& grad_in);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_UPSAMPLE_H_
