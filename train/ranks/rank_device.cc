#include "train/ranks/rank_device.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/cuda/cuda_device.h"

namespace hardface::train {

absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks, int devices) {
  const bool any = text == "cuda" || (text == "auto" && devices > 0);
  if (ranks == 1 || !(any || absl::StartsWith(text, "cuda:"))) return model::ParseDevice(text);
  if (!any) {
    return absl::InvalidArgumentError(absl::StrCat("--device=", text, " would give one GPU to ", ranks,
                                                   " ranks of this machine; --device=cuda gives each its own"));
  }
  if (devices == 0) return absl::FailedPreconditionError(model::WhyNoCuda());
  if (ranks > devices) {
    return absl::FailedPreconditionError(absl::StrCat(ranks, " ranks on this machine, which has ", devices,
                                                      " GPUs: each rank needs its own; start fewer, or --device=cpu"));
  }
  return model::Device{model::Device::Kind::kCuda, local_rank};
}

absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks) {
  return DeviceOfRank(text, local_rank, ranks, model::CudaDeviceCount());
}

}  // namespace hardface::train
