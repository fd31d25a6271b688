// L2 normalisation across the channels with a learnt scale for each: how S3FD makes maps of different depths comparable
// (ParseNet; Liu et al., 2016, section 3.3; Caffe's layer "Normalize").
#ifndef HARDFACE_MODEL_OPS_L2_NORM_H_
#define HARDFACE_MODEL_OPS_L2_NORM_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// Added to the sum of squares, as the published layer does: a pixel of zeros stays zero.
inline constexpr float kL2NormEpsilon = 1e-10f;

// Every pixel's channels are divided by the root of their sum of squares and multiplied by SCALE (C floats). IN and OUT
// (N, C, H, W) of one layout.
void L2Normalize(const TensorView& in, const float* scale, const TensorView& out);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_L2_NORM_H_
