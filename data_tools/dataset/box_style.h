// Annotation styles: one hand draws boxes from the eyebrows to the chin, another around the whole head. Between two
// styles lie four numbers, which move and scale boxes.
#ifndef HARDFACE_DATA_TOOLS_DATASET_BOX_STYLE_H_
#define HARDFACE_DATA_TOOLS_DATASET_BOX_STYLE_H_

#include "data_tools/dataset/box.h"

namespace hardface::data {

// From a box's style to another: how far its centre moves, and its new size, both in its own widths and heights.
struct BoxStyle {
  double dx = 0, dy = 0;
  double width = 1, height = 1;
};

inline Rect Restyle(const Rect& box, const BoxStyle& style) {
  const double w = box.w * style.width, h = box.h * style.height;
  const double x = box.x + (0.5 + style.dx) * box.w - w / 2, y = box.y + (0.5 + style.dy) * box.h - h / 2;
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(w), static_cast<float>(h)};
}

// FIRST, and SECOND on its result, in one.
inline BoxStyle Then(const BoxStyle& first, const BoxStyle& second) {
  return {first.dx + first.width * second.dx, first.dy + first.height * second.dy, first.width * second.width,
          first.height * second.height};
}

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_BOX_STYLE_H_
