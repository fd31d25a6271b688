#define HARDFACE_WIDTH 8
#include "model/ops/kernels/conv_kernels_inl.h"

namespace hardface::model {

const ConvKernels& BaselineConvKernels() {
  static const ConvKernels kernels = MakeKernels("baseline");
  return kernels;
}

}  // namespace hardface::model
