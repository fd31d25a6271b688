// Where bilinear resizing reads: shared by the CPU (image_input.h) and the GPU (device_image.h).
#ifndef HARDFACE_MODEL_EXECUTION_RESIZE_TAP_H_
#define HARDFACE_MODEL_EXECUTION_RESIZE_TAP_H_

#include <cmath>

#include "base/host_device.h"

namespace hardface::model {

// Where an output coordinate falls between two source pixels: source * (1 - fraction) + (source + 1) * fraction, as
// OpenCV's INTER_LINEAR has it.
struct ResizeTap {
  int source = 0;
  float fraction = 0;
};

// Of output pixel I; SIZE source pixels, STEP of them an output pixel.
HARDFACE_HOST_DEVICE inline ResizeTap ResizeTapOf(int i, int size, double step) {
  const auto position = static_cast<float>((i + 0.5) * step - 0.5);
  ResizeTap tap;
  tap.source = static_cast<int>(std::floor(position));
  tap.fraction = position - static_cast<float>(tap.source);
  if (tap.source < 0) tap = ResizeTap();
  if (tap.source >= size - 1) {
    tap.source = size - 1;
    tap.fraction = 0;
  }
  return tap;
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_RESIZE_TAP_H_
