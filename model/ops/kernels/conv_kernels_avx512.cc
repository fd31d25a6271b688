#if defined(__x86_64__)
#define HARDFACE_WIDTH 16
#include "model/ops/kernels/conv_kernels_inl.h"

namespace hardface::model {

const ConvKernels& Avx512ConvKernels() {
  static const ConvKernels kernels = MakeKernels("avx512");
  return kernels;
}

}  // namespace hardface::model
#endif  // __x86_64__
