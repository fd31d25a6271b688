// The rules that anchor targets are made by, as the CPU (anchor_targets.h) and the kernels (target_kernels.h) follow
// them.
#ifndef HARDFACE_MINING_ANCHOR_RULES_H_
#define HARDFACE_MINING_ANCHOR_RULES_H_

#include "base/host_device.h"
#include "data_tools/dataset/box.h"
#include "model/detectors/anchors.h"

namespace hardface::mining {

// Only anchors that lie inside the unpadded image take part, where there are any.
HARDFACE_HOST_DEVICE inline bool InsideImage(const data::Box& anchor, int image_width, int image_height) {
  return anchor.x1 >= 0 && anchor.y1 >= 0 && anchor.x2 < static_cast<float>(image_width) &&
         anchor.y2 < static_cast<float>(image_height);
}

// The share of the anchor's area, 0..1, that lies on the face.
HARDFACE_HOST_DEVICE inline float ShareCovered(const data::Box& anchor, const data::Box& face) {
  const float w = (anchor.x2 < face.x2 ? anchor.x2 : face.x2) - (anchor.x1 > face.x1 ? anchor.x1 : face.x1) + 1;
  const float h = (anchor.y2 < face.y2 ? anchor.y2 : face.y2) - (anchor.y1 > face.y1 ? anchor.y1 : face.y1) + 1;
  return w <= 0 || h <= 0 ? 0 : w * h / anchor.area();
}

// Whether an anchor with this IoU lies on an ignored face, so that it is no background. An ignored region may be far
// larger than an anchor in it, hence the second test.
HARDFACE_HOST_DEVICE inline bool LiesOnIgnored(const data::Box& anchor, const data::Box& face, float iou,
                                               float negative_iou) {
  return iou >= negative_iou || ShareCovered(anchor, face) >= 0.5f;
}

// How far the logits of a plane's cell favour the face: the face probability grows with it, and it tells apart what a
// float probability rounds to 1.
HARDFACE_HOST_DEVICE inline float FaceMargin(const model::AnchorPlane& plane, int cell) {
  return plane.face[cell] - plane.background[cell];
}

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_ANCHOR_RULES_H_
