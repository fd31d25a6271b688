// The implementations behind MakeConv2d; configs are already checked.
#ifndef HARDFACE_MODEL_OPS_CONV2D_INTERNAL_H_
#define HARDFACE_MODEL_OPS_CONV2D_INTERNAL_H_

#include <memory>

#include "model/ops/conv2d.h"

namespace hardface::model {

std::unique_ptr<Conv2d> MakeReferenceConv2d(const Conv2dConfig& config);
std::unique_ptr<Conv2d> MakeWinogradConv2d(const Conv2dConfig& config);
absl::StatusOr<std::unique_ptr<Conv2d>> MakeOneDnnConv2d(const Conv2dConfig& config);

// Whether this processor multiplies bf16 numbers (AVX-512 BF16 or AMX).
bool HasBf16();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONV2D_INTERNAL_H_
