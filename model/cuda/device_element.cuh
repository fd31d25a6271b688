// The 16-bit element types of device_kernels.h.
#ifndef HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_
#define HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "model/ops/device_kernels.h"

namespace hardface {

template <>
struct Element<__nv_bfloat16> {
  HARDFACE_HOST_DEVICE static float ToFloat(__nv_bfloat16 value) { return __bfloat162float(value); }
  HARDFACE_HOST_DEVICE static __nv_bfloat16 FromFloat(float value) { return __float2bfloat16(value); }
};

template <>
struct Element<__half> {
  HARDFACE_HOST_DEVICE static float ToFloat(__half value) { return __half2float(value); }
  HARDFACE_HOST_DEVICE static __half FromFloat(float value) { return __float2half(value); }
};

}  // namespace hardface

#endif  // HARDFACE_MODEL_CUDA_DEVICE_ELEMENT_CUH_
