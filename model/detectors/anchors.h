// Anchors, box coding (Faster R-CNN) and how a detector's output maps are read anchor by anchor.
#ifndef HARDFACE_MODEL_DETECTORS_ANCHORS_H_
#define HARDFACE_MODEL_DETECTORS_ANCHORS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/host_device.h"
#include "data_tools/dataset/box.h"
#include "model/detectors/detector.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// One anchor: a plane (a head's anchor size), and the cell.
struct AnchorIndex {
  int plane = 0, y = 0, x = 0;

  bool operator==(const AnchorIndex& o) const { return plane == o.plane && y == o.y && x == o.x; }
};

// The square of SIZE pixels about FIRST_CENTRE, shifted by STRIDE * (x, y). The paper scales the base box (0, 0, 15,
// 15) about its centre.
HARDFACE_HOST_DEVICE inline data::Box AnchorBox(int size, int stride, int y, int x, float first_centre = 7.5f) {
  const float center_x = first_centre + static_cast<float>(stride * x);
  const float center_y = first_centre + static_cast<float>(stride * y);
  const float half = 0.5f * static_cast<float>(size - 1);
  return {center_x - half, center_y - half, center_x + half, center_y + half};
}

// The network's outputs for one anchor size and image: planes of height x width cells. The pointers are into the output
// tensors (layout NCHW), which must outlive this.
struct AnchorPlane {
  int size = 0;    // of the anchors, pixels
  int stride = 0;  // pixels
  int height = 0, width = 0;
  float* background = nullptr;     // logits
  float* face = nullptr;           // logits
  std::array<float*, 4> deltas{};  // dx, dy, dw, dh

  BoxCoding coding = {};

  HARDFACE_HOST_DEVICE data::Box anchor(int y, int x) const {
    return AnchorBox(size, stride, y, x, coding.first_centre);
  }
  HARDFACE_HOST_DEVICE int cell(int y, int x) const { return y * width + x; }
  // The box that the network predicts for an anchor.
  HARDFACE_HOST_DEVICE data::EdgeBox box(int y, int x) const;
};

// The planes of image N of a batch, heads in order and anchor sizes within each. OUTPUT gives an output layer's tensor
// (block 1) by name.
std::vector<AnchorPlane> PlanesOf(const DetectorSpec& detector,
                                  const std::function<TensorView(const std::string&)>& output, int n);

// dx = (gx - ax) / aw, dy = (gy - ay) / ah, dw = log(gw / aw), dh = log(gh / ah), with "+1" widths and centre = x1 + w
// / 2.
HARDFACE_HOST_DEVICE inline std::array<float, 4> EncodeBox(const data::Box& anchor, const data::Box& target) {
  const float anchor_width = anchor.width(), anchor_height = anchor.height();
  const float width = target.width(), height = target.height();
  return {((target.x1 + 0.5f * width) - (anchor.x1 + 0.5f * anchor_width)) / anchor_width,
          ((target.y1 + 0.5f * height) - (anchor.y1 + 0.5f * anchor_height)) / anchor_height,
          std::log(width / anchor_width), std::log(height / anchor_height)};
}

// The inverse, except for the published asymmetry: x1 = cx - w / 2 and x2 = cx + w / 2, without -1, are edges.
HARDFACE_HOST_DEVICE inline data::EdgeBox DecodeBox(const data::Box& anchor, const std::array<float, 4>& deltas) {
  // exp(10) is 22,026 anchor widths: a cap that no real box meets keeps a diverged network's boxes finite.
  constexpr float kMaxLogScale = 10.0f;
  const float width = anchor.width() * std::exp(std::min(deltas[2], kMaxLogScale));
  const float height = anchor.height() * std::exp(std::min(deltas[3], kMaxLogScale));
  const float center_x = deltas[0] * anchor.width() + anchor.x1 + 0.5f * anchor.width();
  const float center_y = deltas[1] * anchor.height() + anchor.y1 + 0.5f * anchor.height();
  return {center_x - 0.5f * width, center_y - 0.5f * height, center_x + 0.5f * width, center_y + 0.5f * height};
}

HARDFACE_HOST_DEVICE inline data::EdgeBox AnchorPlane::box(int y, int x) const {
  const int i = cell(y, x);
  const float move = coding.centre_variance, growth = coding.size_variance;
  return DecodeBox(anchor(y, x),
                   {deltas[0][i] * move, deltas[1][i] * move, deltas[2][i] * growth, deltas[3][i] * growth});
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_ANCHORS_H_
