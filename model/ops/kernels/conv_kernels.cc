#include "model/ops/kernels/conv_kernels.h"

#include "model/ops/instruction_set.h"

namespace hardface::model {

const ConvKernels& KernelsFor(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::kAvx512:
      return Avx512ConvKernels();
    case InstructionSet::kAvx2:
      return Avx2ConvKernels();
#endif
    default:
      return BaselineConvKernels();
  }
}

}  // namespace hardface::model
