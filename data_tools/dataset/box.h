// Boxes. Two conventions live in face detection; each has its own type here, so that they cannot be mixed up:
// Rect is what annotation and result files hold (corner and extent), Box is what the method computes with (both corners
// inclusive). All coordinates are pixels, origin at the top left corner of the image, x to the right, y down.
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

inline Box ToBox(const Rect& r) { return {r.x, r.y, r.x + r.w - 1, r.y + r.h - 1}; }
inline Rect ToRect(const Box& b) { return {b.x1, b.y1, b.width(), b.height()}; }

// Intersection over union with the "+1" convention; 0 for boxes that do not meet.
HARDFACE_HOST_DEVICE inline float InclusiveIou(const Box& a, const Box& b) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1;
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1;
  if (w <= 0 || h <= 0) return 0;
  const float intersection = w * h;
  return intersection / (a.area() + b.area() - intersection);
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

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_BOX_H_
