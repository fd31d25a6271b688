// The 16-bit element types of device_kernels.h: CUDA's, and Eigen's where a C++ compiler takes the place of nvcc
// (emulation/).
#ifndef HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_
#define HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_

#include "model/ops/device_kernels.h"

#ifdef __CUDACC__

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace hardface::model {

using DeviceBfloat16 = __nv_bfloat16;
using DeviceHalf = __half;

template <>
struct Element<DeviceBfloat16> {
  HARDFACE_HOST_DEVICE static float ToFloat(DeviceBfloat16 value) { return __bfloat162float(value); }
  HARDFACE_HOST_DEVICE static DeviceBfloat16 FromFloat(float value) { return __float2bfloat16(value); }
};

template <>
struct Element<DeviceHalf> {
  HARDFACE_HOST_DEVICE static float ToFloat(DeviceHalf value) { return __half2float(value); }
  HARDFACE_HOST_DEVICE static DeviceHalf FromFloat(float value) { return __float2half(value); }
};

}  // namespace hardface::model

#else

#include <Eigen/Core>

namespace hardface::model {

using DeviceBfloat16 = Eigen::bfloat16;
using DeviceHalf = Eigen::half;

template <>
struct Element<DeviceBfloat16> {
  static float ToFloat(DeviceBfloat16 value) { return static_cast<float>(value); }
  static DeviceBfloat16 FromFloat(float value) { return static_cast<DeviceBfloat16>(value); }
};

template <>
struct Element<DeviceHalf> {
  static float ToFloat(DeviceHalf value) { return static_cast<float>(value); }
  static DeviceHalf FromFloat(float value) { return static_cast<DeviceHalf>(value); }
};

}  // namespace hardface::model

#endif

#endif  // HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_
