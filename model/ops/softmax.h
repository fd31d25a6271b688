// Softmax over the two classes {background, face}.
#ifndef HARDFACE_MODEL_OPS_SOFTMAX_H_
#define HARDFACE_MODEL_OPS_SOFTMAX_H_

#include <algorithm>
#include <cmath>

#include "base/host_device.h"

namespace hardface::model {

// exp(face) / (exp(background) + exp(face)), without overflow for any finite logits.
HARDFACE_HOST_DEVICE inline float FaceProbability(float background, float face) {
  return 1.0f / (1.0f + std::exp(background - face));
}

// -log of the softmax probability of the class whose logit is RIGHT, the other's being WRONG.
HARDFACE_HOST_DEVICE inline float SoftmaxLoss(float right, float wrong) {
  const float difference = wrong - right;
  return std::max(difference, 0.0f) + std::log1p(std::exp(-std::fabs(difference)));
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_SOFTMAX_H_
