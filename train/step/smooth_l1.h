// The loss of box regression (Girshick, 2015, with SSH's sigma = 3), for the CPU and for kernels: sigma^2 x^2 / 2 below
// 1 / sigma^2, and |x| - 1 / (2 sigma^2) above.
#ifndef HARDFACE_TRAIN_STEP_SMOOTH_L1_H_
#define HARDFACE_TRAIN_STEP_SMOOTH_L1_H_

#include "base/host_device.h"

namespace hardface::train {

inline constexpr float kSigmaSquared = 9;

HARDFACE_HOST_DEVICE inline float SmoothL1(float x) {
  const float size = x < 0 ? -x : x;
  return size < 1 / kSigmaSquared ? 0.5f * kSigmaSquared * x * x : size - 0.5f / kSigmaSquared;
}

// Its slope.
HARDFACE_HOST_DEVICE inline float SmoothL1Gradient(float x) {
  const float size = x < 0 ? -x : x;
  return size < 1 / kSigmaSquared ? kSigmaSquared * x : x > 0 ? 1.0f : -1.0f;
}

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_SMOOTH_L1_H_
