// Anchors, box coding (Faster R-CNN) and how a detector's output maps are read anchor by anchor.
#ifndef HARDFACE_MODEL_ANCHORS_H_
#define HARDFACE_MODEL_ANCHORS_H_

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "data_tools/box.h"
#include "model/detector.h"
#include "model/tensor.h"

namespace hardface {

// One anchor: a plane (a head's anchor size), and the cell.
struct AnchorIndex {
  int plane = 0, y = 0, x = 0;

  bool operator==(const AnchorIndex& o) const { return plane == o.plane && y == o.y && x == o.x; }
};

// The square of SIZE pixels: the base box (0, 0, 15, 15) scaled about its centre, shifted by STRIDE * (x, y).
inline Box AnchorBox(int size, int stride, int y, int x) {
  const float center_x = 7.5f + static_cast<float>(stride * x), center_y = 7.5f + static_cast<float>(stride * y);
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

  Box anchor(int y, int x) const { return AnchorBox(size, stride, y, x); }
  int cell(int y, int x) const { return y * width + x; }
};

// The planes of image N of a batch, heads in order and anchor sizes within each. OUTPUT gives an output layer's tensor
// (block 1) by name.
std::vector<AnchorPlane> PlanesOf(const DetectorSpec& detector,
                                  const std::function<TensorView(const std::string&)>& output, int n);

// dx = (gx - ax) / aw, dy = (gy - ay) / ah, dw = log(gw / aw), dh = log(gh / ah), with "+1" widths and centre = x1 + w
// / 2.
std::array<float, 4> EncodeBox(const Box& anchor, const Box& target);

// The inverse, except for the published asymmetry: x1 = cx - w / 2 and x2 = cx + w / 2, without -1.
Box DecodeBox(const Box& anchor, const std::array<float, 4>& deltas);

}  // namespace hardface

#endif  // HARDFACE_MODEL_ANCHORS_H_
