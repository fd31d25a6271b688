#include "train/ranks/rank_device.h"

#include <map>

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
  if (devices == 1) return model::Device{model::Device::Kind::kCuda, 0};  // its own, or RequireOwnGpus says so
  if (ranks > devices) {
    return absl::FailedPreconditionError(absl::StrCat(ranks, " ranks on this machine, which has ", devices,
                                                      " GPUs: each rank needs its own; start fewer, or --device=cpu"));
  }
  return model::Device{model::Device::Kind::kCuda, local_rank};
}

absl::Status RequireOwnGpus(const std::vector<std::string>& gpus) {
  std::map<std::string, size_t> ranks;
  for (size_t rank = 0; rank < gpus.size(); ++rank) {
    const auto [first, fresh] = ranks.emplace(gpus[rank], rank);
    if (!fresh) {
      return absl::FailedPreconditionError(
          absl::StrCat("ranks ", first->second, " and ", rank, " compute on one GPU (", gpus[rank],
                       "), and NCCL wants one for each: start as many ranks on a machine as it has GPUs, or let the "
                       "launcher show each rank its own (Slurm: --gpus-per-task=1)"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks) {
  return DeviceOfRank(text, local_rank, ranks, model::CudaDeviceCount());
}

}  // namespace hardface::train
