// A library of convolutions on emulated devices: the CPU's, between tensors of any element type, with sums in fp32.
#ifndef HARDFACE_MODEL_CUDA_EMULATION_EMULATED_CONVOLUTION_H_
#define HARDFACE_MODEL_CUDA_EMULATION_EMULATED_CONVOLUTION_H_

#include <memory>

#include "model/cuda/conv_planner.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/plan_cache.h"

namespace hardface::model {

// It has two engines; the second, slower one needs no workspace. Timing takes memory, but runs nothing. STREAM must
// outlive the planner.
std::unique_ptr<ConvPlanner> MakeEmulatedPlanner(const CudaStream& stream, std::shared_ptr<PlanCache> cache);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_EMULATION_EMULATED_CONVOLUTION_H_
