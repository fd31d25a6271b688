#if defined(__x86_64__)
#define HARDFACE_WIDTH 8
#include "model/ops/kernels/conv_kernels_inl.h"

namespace hardface::model {

const ConvKernels& Avx2ConvKernels() {
  static const ConvKernels kernels = MakeKernels("avx2");
  return kernels;
}

}  // namespace hardface::model
#endif  // __x86_64__
