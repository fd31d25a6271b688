// Several logits for one class, of which the largest counts: S3FD's max-out background label (its section 3.3) and
// PyramidBox's max-in-out.
#ifndef HARDFACE_MODEL_OPS_MAX_OUT_H_
#define HARDFACE_MODEL_OPS_MAX_OUT_H_

#include "model/ops/tensor.h"

namespace hardface::model {

// IN (N, C, H, W), C >= BACKGROUND + FACE -> OUT (N, 2, H, W) of the same layout: the largest of the first BACKGROUND
// channels, and the largest of the FACE channels after them. Channels beyond are not read.
void MaxOut(const TensorView& in, int background, int face, const TensorView& out);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_MAX_OUT_H_
