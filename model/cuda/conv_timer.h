// Times plans of convolutions on the device, to choose among them (conv_planner.h).
#ifndef HARDFACE_MODEL_CUDA_CONV_TIMER_H_
#define HARDFACE_MODEL_CUDA_CONV_TIMER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/cuda/conv_plan.h"
#include "model/cuda/cuda_memory.h"

namespace hardface::model {

// Takes device memory of the size of PROBLEM's tensors as long as it lives. STREAM is the one in which the library's
// plans run, and must outlive the timer. ResourceExhausted where the device has too little memory.
absl::StatusOr<std::unique_ptr<ConvTimer>> MakeConvTimer(const ConvProblem& problem, const CudaStream& stream);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CONV_TIMER_H_
