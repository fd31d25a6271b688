// The detection loss: softmax over {background, face} on the sampled anchors plus smooth-L1 on the box targets (method
// of the paper's code, from Faster R-CNN).
#ifndef HARDFACE_TRAIN_STEP_LOSSES_H_
#define HARDFACE_TRAIN_STEP_LOSSES_H_

#include <vector>

#include "mining/anchor_targets.h"
#include "model/detectors/anchors.h"

namespace hardface::train {

// Of one image, or sums over several.
struct LossParts {
  double classification = 0;  // mean over the sampled anchors
  double regression = 0;      // mean over the regression anchors of the sum over dx, dy, dw, dh
  double total() const { return classification + regression; }
};

// What a teacher says of the same image (teacher.h). Targets become WEIGHT times the teacher's face probability and box
// deltas and 1 - WEIGHT times the labels'. No planes: labels alone.
struct TeacherView {
  std::vector<model::AnchorPlane> planes;
  float weight = 0;
};

// The loss of one image; adds SCALE times its gradient to GRADIENTS, planes that mirror PLANES (logits there are
// gradients here). An image without sampled or regression anchors has no such part.
LossParts DetectionLoss(const std::vector<model::AnchorPlane>& planes, const mining::AnchorLabels& labels,
                        const mining::SampledAnchors& sampled, float scale,
                        const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher = {});

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_LOSSES_H_
