#include "model/anchors.h"

#include <algorithm>
#include <cmath>

#include "data_tools/base/check.h"

namespace hardface {

std::vector<AnchorPlane> PlanesOf(const DetectorSpec& detector,
                                  const std::function<TensorView(const std::string&)>& output, int n) {
  std::vector<AnchorPlane> planes;
  for (const DetectionHead& head : detector.heads) {
    const TensorView scores = output(head.scores), boxes = output(head.boxes);
    const int anchors = static_cast<int>(head.anchor_sizes.size());
    HARDFACE_CHECK(scores.block == 1 && boxes.block == 1);
    HARDFACE_CHECK(scores.shape.c == 2 * anchors && boxes.shape.c == 4 * anchors);
    for (int a = 0; a < anchors; ++a) {
      AnchorPlane plane{head.anchor_sizes[a], head.stride, scores.shape.h, scores.shape.w};
      plane.background = scores.row(n, a, 0);
      plane.face = scores.row(n, anchors + a, 0);
      for (int k = 0; k < 4; ++k) plane.deltas[k] = boxes.row(n, 4 * a + k, 0);
      planes.push_back(plane);
    }
  }
  return planes;
}

std::array<float, 4> EncodeBox(const Box& anchor, const Box& target) {
  const float anchor_width = anchor.width(), anchor_height = anchor.height();
  const float width = target.width(), height = target.height();
  return {((target.x1 + 0.5f * width) - (anchor.x1 + 0.5f * anchor_width)) / anchor_width,
          ((target.y1 + 0.5f * height) - (anchor.y1 + 0.5f * anchor_height)) / anchor_height,
          std::log(width / anchor_width), std::log(height / anchor_height)};
}

Box DecodeBox(const Box& anchor, const std::array<float, 4>& deltas) {
  // exp(10) is 22,026 anchor widths: a cap that no real box meets keeps a diverged network's boxes finite.
  constexpr float kMaxLogScale = 10.0f;
  const float width = anchor.width() * std::exp(std::min(deltas[2], kMaxLogScale));
  const float height = anchor.height() * std::exp(std::min(deltas[3], kMaxLogScale));
  const float center_x = deltas[0] * anchor.width() + anchor.x1 + 0.5f * anchor.width();
  const float center_y = deltas[1] * anchor.height() + anchor.y1 + 0.5f * anchor.height();
  return {center_x - 0.5f * width, center_y - 0.5f * height, center_x + 0.5f * width, center_y + 0.5f * height};
}

}  // namespace hardface
