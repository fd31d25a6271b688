// WPAS, the worst positive anchor score (paper section 3.3): the lowest face probability of all positive anchors,
// before any sampling. One formula for the CPU and for kernels, for a face, an image and a part of either.
#ifndef HARDFACE_MINING_FACE_SCORE_H_
#define HARDFACE_MINING_FACE_SCORE_H_

#include <optional>

#include "base/host_device.h"

namespace hardface::mining {

// Of a set of positive anchors: those of a face, or of an image's faces together.
struct FaceScore {
  float worst = -1;  // the lowest face probability, 0..1; -1 while there is no anchor
  int positives = 0;

  // A single anchor is {probability, 1}.
  HARDFACE_HOST_DEVICE void Add(const FaceScore& other) {
    if (other.positives == 0) return;
    if (positives == 0 || other.worst < worst) worst = other.worst;
    positives += other.positives;
  }

  // Nothing without a positive anchor.
  std::optional<float> wpas() const { return positives > 0 ? std::optional<float>(worst) : std::nullopt; }
};

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_FACE_SCORE_H_
