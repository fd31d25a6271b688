// Boxes. Three conventions live in face detection; each has its own type here, so that they cannot be mixed up:
// Rect is what annotation and result files hold (corner and extent), Box is what the method computes with (both corners
// inclusive), EdgeBox is what a detector's outputs are decoded to (both corners on edges). All coordinates are pixels,
// origin at the top left corner of the image, x to the right, y down.
#ifndef HARDFACE_DATA_TOOLS_DATASET_BOX_H_
#define HARDFACE_DATA_TOOLS_DATASET_BOX_H_

#include <algorithm>

#include "base/host_device.h"

namespace hardface::data {

// A box of w x h pixels whose top left pixel is (x, y).
struct Rect {
  float x = 0, y = 0, w = 0, h = 0;

  bool operator==(const Rect& other) const { return x == other.x && y == other.y && w == other.w && h == other.h; }
};

// A box from pixel (x1, y1) to pixel (x2, y2), both included: its width is x2 - x1 + 1 (the "+1" convention of Faster
// R-CNN, which anchors, IoU, box coding, NMS and voting of the method all follow).
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  HARDFACE_HOST_DEVICE float width() const { return x2 - x1 + 1; }
  HARDFACE_HOST_DEVICE float height() const { return y2 - y1 + 1; }
  HARDFACE_HOST_DEVICE float area() const { return width() * height(); }
  float center_x() const { return 0.5f * (x1 + x2); }
  float center_y() const { return 0.5f * (y1 + y2); }
};

// A box between the edges x1 and x2, y1 and y2: its width is x2 - x1. Decoding puts x2 and y2 behind the last pixel (cx
// + w / 2, without -1). Taken for a Box, every detection would be a pixel too wide and too high, which costs a face of
// 8 pixels a fifth of its IoU.
struct EdgeBox {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  HARDFACE_HOST_DEVICE float width() const { return x2 - x1; }
  HARDFACE_HOST_DEVICE float height() const { return y2 - y1; }
  HARDFACE_HOST_DEVICE float area() const { return width() * height(); }
};

// The least width and height, in pixels, of a box that a detector returns. A box that lies beside its picture has none
// left once it is cut to the picture; and result files hold hundredths of a pixel, so that a narrower one would be read
// as a box without area.
inline constexpr float kLeastExtent = 0.02f;

// Whether a box has an area; false where a number is none.
inline bool HasArea(const Rect& r) { return r.w >= kLeastExtent && r.h >= kLeastExtent; }

inline Box ToBox(const Rect& r) { return {r.x, r.y, r.x + r.w - 1, r.y + r.h - 1}; }
inline Rect ToRect(const Box& b) { return {b.x1, b.y1, b.width(), b.height()}; }
inline Rect ToRect(const EdgeBox& b) { return {b.x1, b.y1, b.width(), b.height()}; }

// The box with all coordinates times FACTOR: of another level of the pyramid.
HARDFACE_HOST_DEVICE inline EdgeBox Scaled(const EdgeBox& b, float factor) {
  return {b.x1 * factor, b.y1 * factor, b.x2 * factor, b.y2 * factor};
}

// Intersection over union with the "+1" convention; 0 for boxes that do not meet.
HARDFACE_HOST_DEVICE inline float InclusiveIou(const Box& a, const Box& b) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1;
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1;
  if (w <= 0 || h <= 0) return 0;
  const float intersection = w * h;
  return intersection / (a.area() + b.area() - intersection);
}

// What the published code computes when it merges detections: it takes decoded corners for pixels.
HARDFACE_HOST_DEVICE inline float InclusiveIou(const EdgeBox& a, const EdgeBox& b) {
  return InclusiveIou(Box{a.x1, a.y1, a.x2, a.y2}, Box{b.x1, b.y1, b.x2, b.y2});
}

// Intersection over union of continuous rectangles, without the "+1"; 0 where they do not meet or one has no area.
inline double ContinuousIou(const Rect& a, const Rect& b) {
  const double w = std::min<double>(double{a.x} + a.w, double{b.x} + b.w) - std::max<double>(a.x, b.x);
  const double h = std::min<double>(double{a.y} + a.h, double{b.y} + b.h) - std::max<double>(a.y, b.y);
  if (w <= 0 || h <= 0) return 0;
  const double intersection = w * h;
  return intersection / (double{a.w} * a.h + double{b.w} * b.h - intersection);
}

// The box in the image mirrored about its vertical axis; IMAGE_WIDTH in pixels.
inline Rect Mirror(const Rect& r, float image_width) { return {image_width - r.x - r.w, r.y, r.w, r.h}; }
HARDFACE_HOST_DEVICE inline EdgeBox Mirror(const EdgeBox& b, float image_width) {
  return {image_width - b.x2, b.y1, image_width - b.x1, b.y2};
}

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_BOX_H_
