// The network's ops on a CUDA device, forward and backward, but for the convolution (conv2d_cuda.h). The CPU's ops of
// the same names are the reference. Every call queues work on STREAM and returns; arguments are checked before. Without
// --config=cuda every call is FailedPrecondition.
#ifndef HARDFACE_MODEL_OPS_DEVICE_OPS_H_
#define HARDFACE_MODEL_OPS_DEVICE_OPS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/precision.h"
#include "model/cuda/weight_order.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// A tensor in device memory: dense NHWC, channels filled up to StoredChannels(shape.c) with zeros, which every op
// keeps. Non-owning; DATA is 16-byte aligned.
struct DeviceTensor {
  void* data = nullptr;
  Shape shape;
  ElementType type = ElementType::kFloat;

  int stored_channels() const { return StoredChannels(shape.c); }
  int64_t pixels() const { return int64_t{shape.n} * shape.h * shape.w; }
  int64_t bytes() const { return pixels() * stored_channels() * ElementBytes(type); }
};

// OUT (N, C, H / 2, W / 2) of IN (N, C, H, W). The gradient goes to the first of equal maxima; GRAD_IN is overwritten.
absl::Status MaxPool2x2(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream);
absl::Status MaxPool2x2Backward(const DeviceTensor& in, const DeviceTensor& grad_out, const DeviceTensor& grad_in,
                                CudaStreamHandle stream);

// GRADIENT becomes zero where OUTPUT is not positive.
absl::Status ReluBackward(const DeviceTensor& output, const DeviceTensor& gradient, CudaStreamHandle stream);

// Adds BIAS (stored channels, of the tensor's element type), then clips at 0 on request.
absl::Status AddBias(const void* bias, bool relu, const DeviceTensor& tensor, CudaStreamHandle stream);

// TO += FROM.
absl::Status Add(const DeviceTensor& from, const DeviceTensor& to, CudaStreamHandle stream);

// The forward steps of elementwise.h, l2_norm.h and max_out.h. SCALE: packed as a bias is (PackBias). MaxOut reads the
// first 8 channels at most.
absl::Status AddMaps(const DeviceTensor& a, const DeviceTensor& b, bool relu, const DeviceTensor& out,
                     CudaStreamHandle stream);
absl::Status MultiplyMaps(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out,
                          CudaStreamHandle stream);
absl::Status L2Normalize(const DeviceTensor& in, const void* scale, const DeviceTensor& out, CudaStreamHandle stream);
absl::Status MaxOut(const DeviceTensor& in, int background, int face, const DeviceTensor& out, CudaStreamHandle stream);

// OUT (N, C, 2H, 2W) of IN (N, C, H, W); GRAD_IN is overwritten.
absl::Status Upsample2x(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream);
absl::Status Upsample2xBackward(const DeviceTensor& grad_out, const DeviceTensor& grad_in, CudaStreamHandle stream);

absl::Status ConcatChannels(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out,
                            CudaStreamHandle stream);
absl::Status ConcatChannelsBackward(const DeviceTensor& grad_out, const DeviceTensor& grad_a,
                                    const DeviceTensor& grad_b, CudaStreamHandle stream);

// Between the device's layout and planar floats (N, C, H, W), both in device memory. FromPlanar multiplies by SCALE.
absl::Status ToPlanar(const DeviceTensor& from, float* to, CudaStreamHandle stream);
absl::Status FromPlanar(const float* from, float scale, const DeviceTensor& to, CudaStreamHandle stream);

// Bytes of a convolution's weights (stored out, kernel, kernel, stored in) as cuDNN reads them.
int64_t PackedWeightBytes(int out_channels, int in_channels, int kernel, ElementType type);
// From fp32 weights (out, kernel, kernel, in) on the device; a bias is packed as weights with IN_CHANNELS 1 are, but
// densely (stored out).
absl::Status PackWeights(const float* weights, int out_channels, int in_channels, int kernel, ElementType type,
                         void* packed, CudaStreamHandle stream);
absl::Status PackBias(const float* bias, int channels, ElementType type, void* packed, CudaStreamHandle stream);
// Of COUNT floats with all of a network's parameters, which have been packed one by one before: PackAllKernel.
absl::Status PackAll(const float* parameters, int64_t count, const int* parameter_of_block,
                     const PackedParameter* packed, ElementType type, CudaStreamHandle stream);
// Adds packed gradients to fp32 ones (out, kernel, kernel, in).
absl::Status AddPackedWeights(const void* packed, int out_channels, int in_channels, int kernel, ElementType type,
                              float* gradients, CudaStreamHandle stream);

// ReLU backward, where OUTPUT is given, and the gradient of the bias before it: GRADIENT becomes zero where OUTPUT is
// not positive, then its sums over n, h, w are added to BIAS_GRADIENT (C floats). SCRATCH has
// BiasGradientScratchBytes() of the gradient's shape. The same bits at every run and on every device.
absl::Status ReluBiasBackward(const DeviceTensor* output, const DeviceTensor& gradient, float* scratch,
                              float* bias_gradient, CudaStreamHandle stream);
int64_t BiasGradientScratchBytes(const Shape& gradient);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_DEVICE_OPS_H_
