// Smooth L1, the loss of box deltas, for the CPU and for kernels.
#ifndef HARDFACE_TRAIN_STEP_SMOOTH_L1_H_
#define HARDFACE_TRAIN_STEP_SMOOTH_L1_H_

#include "base/host_device.h"

namespace hardface::train {

// sigma^2 x^2 / 2 below 1 / sigma^2, |x| - 1 / (2 sigma^2) above, with sigma 3 (method of the paper's code, from Faster
// R-CNN).
HARDFACE_HOST_DEVICE inline float SmoothL1(float x) {
  const float size = x < 0 ? -x : x;
  return size < 1 / 9.0f ? 4.5f * x * x : size - 0.5f / 9.0f;
}
HARDFACE_HOST_DEVICE inline float SmoothL1Gradient(float x) {
  const float size = x < 0 ? -x : x;
  return size < 1 / 9.0f ? 9 * x : x > 0 ? 1.0f : -1.0f;
}

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_SMOOTH_L1_H_
