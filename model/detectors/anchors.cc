#include "model/detectors/anchors.h"

#include "base/check.h"

namespace hardface::model {

std::vector<AnchorPlane> PlanesOf(const DetectorSpec& detector,
                                  const std::function<TensorView(const std::string&)>& output, int n) {
  std::vector<AnchorPlane> planes;
  for (const DetectionHead& head : detector.heads) {
    const TensorView scores = output(head.scores), boxes = output(head.boxes);
    const int anchors = static_cast<int>(head.anchor_sizes.size());
    HARDFACE_CHECK(scores.block == 1 && boxes.block == 1);
    HARDFACE_CHECK(scores.shape.c == 2 * anchors && boxes.shape.c >= 4 * anchors);
    for (int a = 0; a < anchors; ++a) {
      AnchorPlane plane{head.anchor_sizes[a], head.stride, scores.shape.h, scores.shape.w};
      plane.background = scores.row(n, a, 0);
      plane.face = scores.row(n, anchors + a, 0);
      for (int k = 0; k < 4; ++k) plane.deltas[k] = boxes.row(n, 4 * a + k, 0);
      plane.coding = head.coding;
      planes.push_back(plane);
    }
  }
  return planes;
}

}  // namespace hardface::model
