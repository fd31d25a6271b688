// Targets of which a teacher says a part (teacher.h). Runs on GPUs as well.
#ifndef HARDFACE_TRAIN_STEP_SOFT_TARGET_H_
#define HARDFACE_TRAIN_STEP_SOFT_TARGET_H_

#include "base/host_device.h"

namespace hardface::train {

// TEACHER_WEIGHT, from 0 to 1, is the teacher's share; the label has the rest.
HARDFACE_HOST_DEVICE inline float SoftTarget(float label, float taught, float teacher_weight) {
  return (1 - teacher_weight) * label + teacher_weight * taught;
}

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_SOFT_TARGET_H_
