#include "model/cuda/cuda_device.h"

namespace hardface::model {

int CudaDeviceCount() { return 0; }

std::string WhyNoCuda() { return "this program was built without CUDA; build it with --config=cuda"; }

absl::StatusOr<CudaDeviceInfo> DescribeCudaDevice(int) { return absl::FailedPreconditionError(WhyNoCuda()); }

absl::StatusOr<int64_t> FreeDeviceBytes() { return absl::FailedPreconditionError(WhyNoCuda()); }

}  // namespace hardface::model
