#include "train/step/losses.h"

#include "model/ops/softmax.h"
#include "train/step/smooth_l1.h"
#include "train/step/soft_target.h"

namespace hardface::train {
namespace {

double ClassificationLoss(const std::vector<model::AnchorPlane>& planes, const std::vector<model::AnchorIndex>& anchors,
                          bool face, float weight, const std::vector<model::AnchorPlane>& gradients,
                          const TeacherView& teacher) {
  double loss = 0;
  for (const model::AnchorIndex& a : anchors) {
    const model::AnchorPlane& plane = planes[a.plane];
    const model::AnchorPlane& gradient = gradients[a.plane];
    const int cell = plane.cell(a.y, a.x);
    const float background_logit = plane.background[cell], face_logit = plane.face[cell];
    float target = face ? 1.0f : 0.0f;
    if (!teacher.planes.empty()) {
      const model::AnchorPlane& taught = teacher.planes[a.plane];
      target = SoftTarget(target, model::FaceProbability(taught.background[cell], taught.face[cell]), teacher.weight);
    }
    if (target > 0) loss += target * model::SoftmaxLoss(face_logit, background_logit);
    if (target < 1) loss += (1 - target) * model::SoftmaxLoss(background_logit, face_logit);
    const float slope = weight * (model::FaceProbability(background_logit, face_logit) - target);
    gradient.face[cell] += slope;
    gradient.background[cell] -= slope;
  }
  return loss;
}

}  // namespace

LossParts DetectionLoss(const std::vector<model::AnchorPlane>& planes, const mining::AnchorLabels& labels,
                        const mining::SampledAnchors& sampled, float scale,
                        const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher) {
  LossParts loss;
  const size_t count = sampled.positives.size() + sampled.negatives.size();
  if (count > 0) {
    const float weight = scale / static_cast<float>(count);
    loss.classification = (ClassificationLoss(planes, sampled.positives, /*face=*/true, weight, gradients, teacher) +
                           ClassificationLoss(planes, sampled.negatives, /*face=*/false, weight, gradients, teacher)) /
                          static_cast<double>(count);
  }
  const float weight = scale / static_cast<float>(labels.regression.size());
  for (const mining::RegressionTarget& target : labels.regression) {
    const model::AnchorPlane& plane = planes[target.anchor.plane];
    const int cell = plane.cell(target.anchor.y, target.anchor.x);
    for (int k = 0; k < 4; ++k) {
      float wanted = target.deltas[k];
      if (!teacher.planes.empty()) {
        wanted = SoftTarget(wanted, teacher.planes[target.anchor.plane].deltas[k][cell], teacher.weight);
      }
      const float difference = plane.deltas[k][cell] - wanted;
      loss.regression += SmoothL1(difference) / static_cast<double>(labels.regression.size());
      gradients[target.anchor.plane].deltas[k][cell] += weight * SmoothL1Gradient(difference);
    }
  }
  return loss;
}

}  // namespace hardface::train
