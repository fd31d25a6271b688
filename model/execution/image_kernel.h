// What one CUDA thread does to make a network's input of an image; runs on the CPU, too (device_kernels.h).
#ifndef HARDFACE_MODEL_EXECUTION_IMAGE_KERNEL_H_
#define HARDFACE_MODEL_EXECUTION_IMAGE_KERNEL_H_

#include <cstdint>

#include "base/host_device.h"
#include "model/execution/resize_tap.h"
#include "model/ops/device_kernels.h"

namespace hardface::model {

// ResizeToFloat and WriteNetworkInput in one. Indices are of pixels (n, height, width) of OUT, whose 3 channels fill
// one group; image 1 of a batch is mirrored, as is image 0 where `mirror_first` says so. OUT shows the (mirrored) level
// from the pixel (from_x, from_y) on.
template <typename T>
struct ImageKernel {
  const uint8_t* image;  // (rows, columns, 3), BGR
  int rows, columns;
  int level_rows, level_columns;
  double x_step, y_step;
  float mean[3];
  float factor;
  bool mirror_first;
  int from_x, from_y;
  Channels<T>* out;
  int height, width;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, height, width, /*groups=*/1);
    Channels<T> result;
    for (int c = 0; c < 8; ++c) result.set(c, 0.0f);
    const int x = from_x + o.x, y = from_y + o.y;
    if (y < level_rows && x < level_columns) {
      const bool mirror = o.n > 0 || mirror_first;
      const ResizeTap tap_x = ResizeTapOf(mirror ? level_columns - 1 - x : x, columns, x_step);
      const ResizeTap tap_y = ResizeTapOf(y, rows, y_step);
      const int right = tap_x.source + 1 < columns ? 3 : 0;
      const uint8_t* const upper = image + (int64_t{tap_y.source} * columns + tap_x.source) * 3;
      const uint8_t* const lower = tap_y.source + 1 < rows ? upper + int64_t{columns} * 3 : upper;
      for (int c = 0; c < 3; ++c) {
        const float above = upper[c] * (1 - tap_x.fraction) + upper[right + c] * tap_x.fraction;
        const float below = lower[c] * (1 - tap_x.fraction) + lower[right + c] * tap_x.fraction;
        const float value = above * (1 - tap_y.fraction) + below * tap_y.fraction;
        result.set(c, (value - mean[c]) * factor);
      }
    }
    out[i] = result;
  }
};

// A training sample among those of a pass; 0 x 0 pixels where there is none.
struct DeviceSample {
  int64_t first = 0;  // its first float among the pixels of all
  int rows = 0, columns = 0;
};

// WriteNetworkInput of a pass's training samples. Indices are of pixels (n, height, width) of OUT; beyond the samples
// OUT is zero.
template <typename T>
struct SampleKernel {
  const DeviceSample* samples;  // n
  const float* pixels;          // (rows, columns, 3) each, BGR
  float mean[3];
  float factor;
  Channels<T>* out;
  int height, width;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, height, width, /*groups=*/1);
    const DeviceSample sample = samples[o.n];
    Channels<T> result;
    for (int c = 0; c < 8; ++c) result.set(c, 0.0f);
    if (o.y < sample.rows && o.x < sample.columns) {
      const float* const pixel = pixels + sample.first + (int64_t{o.y} * sample.columns + o.x) * 3;
      for (int c = 0; c < 3; ++c) result.set(c, (pixel[c] - mean[c]) * factor);
    }
    out[i] = result;
  }
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_IMAGE_KERNEL_H_
