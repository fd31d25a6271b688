#include "absl/strings/str_cat.h"
#include "model/cuda/device_element.cuh"
#include "model/cuda/launch.cuh"
#include "model/execution/device_image.h"
#include "model/execution/image_kernel.h"

namespace hardface::model {
namespace {

template <typename T>
absl::Status Write(const DeviceImage& image, const DeviceLevel& level, const DeviceTensor& input,
                   CudaStreamHandle stream) {
  return ForEachIndex(input.pixels(),
                      ImageKernel<T>{image.data,
                                     image.rows,
                                     image.columns,
                                     level.rows,
                                     level.columns,
                                     level.x_step,
                                     level.y_step,
                                     {level.mean[0], level.mean[1], level.mean[2]},
                                     level.factor,
                                     level.mirror_first,
                                     level.from_x,
                                     level.from_y,
                                     static_cast<Channels<T>*>(input.data),
                                     input.shape.h,
                                     input.shape.w},
                      stream, "WriteNetworkInput");
}

template <typename T>
absl::Status Write(const DeviceSample* samples, const float* pixels, const float (&mean)[3], float factor,
                   const DeviceTensor& input, CudaStreamHandle stream) {
  return ForEachIndex(input.pixels(),
                      SampleKernel<T>{samples,
                                      pixels,
                                      {mean[0], mean[1], mean[2]},
                                      factor,
                                      static_cast<Channels<T>*>(input.data),
                                      input.shape.h,
                                      input.shape.w},
                      stream, "WriteSampleInput");
}

}  // namespace

absl::Status WriteNetworkInput(const DeviceImage& image, const DeviceLevel& level, const DeviceTensor& input,
                               CudaStreamHandle stream) {
  if (input.shape.c != 3 || input.shape.n > 2 || level.from_x < 0 || level.from_x >= level.columns ||
      level.from_y < 0 || level.from_y >= level.rows) {
    return absl::InvalidArgumentError(absl::StrCat("a level of ", level.columns, " x ", level.rows, " pixels from ",
                                                   level.from_x, ", ", level.from_y, " on cannot fill an input of ",
                                                   input.shape.ToString()));
  }
  switch (input.type) {
    case ElementType::kFloat:
      return Write<float>(image, level, input, stream);
    case ElementType::kBfloat16:
      return Write<DeviceBfloat16>(image, level, input, stream);
    case ElementType::kHalf:
      break;
  }
  return Write<DeviceHalf>(image, level, input, stream);
}

absl::Status WriteSampleInput(const DeviceSample* samples, const float* pixels, const float (&mean)[3], float factor,
                              const DeviceTensor& input, CudaStreamHandle stream) {
  if (input.shape.c != 3) {
    return absl::InvalidArgumentError(absl::StrCat("samples cannot fill an input of ", input.shape.ToString()));
  }
  switch (input.type) {
    case ElementType::kFloat:
      return Write<float>(samples, pixels, mean, factor, input, stream);
    case ElementType::kBfloat16:
      return Write<DeviceBfloat16>(samples, pixels, mean, factor, input, stream);
    case ElementType::kHalf:
      break;
  }
  return Write<DeviceHalf>(samples, pixels, mean, factor, input, stream);
}

}  // namespace hardface::model
