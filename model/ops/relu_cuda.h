// ReLU on a CUDA device; relu.h is the reference.
#ifndef HARDFACE_MODEL_OPS_RELU_CUDA_H_
#define HARDFACE_MODEL_OPS_RELU_CUDA_H_

#include "absl/status/status.h"
#include "model/cuda/cuda_device.h"

namespace hardface {

// IN and OUT of one size; they may be the same buffer. Runs on the default stream and does not wait for it.
absl::Status ReluCuda(const CudaBuffer& in, CudaBuffer* out);

}  // namespace hardface

#endif  // HARDFACE_MODEL_OPS_RELU_CUDA_H_
