// From an 8-bit image in device memory to a network's input on the device; image_input.h is the reference.
#ifndef HARDFACE_MODEL_EXECUTION_DEVICE_IMAGE_H_
#define HARDFACE_MODEL_EXECUTION_DEVICE_IMAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "model/cuda/cuda_memory.h"
#include "model/execution/image_kernel.h"
#include "model/ops/device_ops.h"

namespace hardface::model {

struct DeviceImage {
  const uint8_t* data = nullptr;  // device memory, (rows, columns, 3), BGR
  int rows = 0, columns = 0;
};

// How the image is resized (LevelGeometry of image_input.h) and scaled.
struct DeviceLevel {
  int rows = 0, columns = 0;
  double x_step = 1, y_step = 1;
  float mean[3] = {};
  float factor = 1;            // after the mean is subtracted
  bool mirror_first = false;   // image 0 of the batch; image 1 is mirrored always
  int from_x = 0, from_y = 0;  // of a tile: the pixel of the (mirrored) level that the input begins with
};

// Fills INPUT (1 or 2, 3, H, W), the filling and what lies beyond the level at the right and bottom with zeros.
absl::Status WriteNetworkInput(const DeviceImage& image, const DeviceLevel& level, const DeviceTensor& input,
                               CudaStreamHandle stream);

// Fills INPUT (batch, 3, H, W) with a pass's training samples less MEAN, times FACTOR, and what lies beyond them with
// zeros. SAMPLES (batch) and their PIXELS, floats after augmentation, are in device memory; none is larger than INPUT.
absl::Status WriteSampleInput(const DeviceSample* samples, const float* pixels, const float (&mean)[3], float factor,
                              const DeviceTensor& input, CudaStreamHandle stream);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_DEVICE_IMAGE_H_
