#include "model/cuda/cuda_device.h"
#include "model/ops/device_ops.h"

namespace hardface::model {
namespace {

absl::Status NoCuda() { return absl::FailedPreconditionError(WhyNoCuda()); }

}  // namespace

absl::Status MaxPool2x2(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status MaxPool2x2Backward(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoCuda();
}
absl::Status ReluBackward(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status AddBias(const void*, bool, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status Add(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status AddMaps(const DeviceTensor&, const DeviceTensor&, bool, const DeviceTensor&, CudaStreamHandle) {
  return NoCuda();
}
absl::Status MultiplyMaps(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoCuda();
}
absl::Status L2Normalize(const DeviceTensor&, const void*, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status MaxOut(const DeviceTensor&, int, int, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status Upsample2x(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status Upsample2xBackward(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
absl::Status ConcatChannels(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoCuda();
}
absl::Status ConcatChannelsBackward(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoCuda();
}
absl::Status ToPlanar(const DeviceTensor&, float*, CudaStreamHandle) { return NoCuda(); }
absl::Status FromPlanar(const float*, float, const DeviceTensor&, CudaStreamHandle) { return NoCuda(); }
int64_t PackedWeightBytes(int, int, int, ElementType) { return 0; }
absl::Status PackWeights(const float*, int, int, int, ElementType, void*, CudaStreamHandle) { return NoCuda(); }
absl::Status PackBias(const float*, int, ElementType, void*, CudaStreamHandle) { return NoCuda(); }
absl::Status PackAll(const float*, int64_t, const int*, const PackedParameter*, ElementType, CudaStreamHandle) {
  return NoCuda();
}
absl::Status AddPackedWeights(const void*, int, int, int, ElementType, float*, CudaStreamHandle) { return NoCuda(); }
absl::Status ReluBiasBackward(const DeviceTensor*, const DeviceTensor&, float*, float*, CudaStreamHandle) {
  return NoCuda();
}
int64_t BiasGradientScratchBytes(const Shape&) { return 0; }

}  // namespace hardface::model
