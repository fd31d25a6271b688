// Which device a rank of a training computes on.
#ifndef HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_
#define HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/execution/device.h"

namespace hardface::train {

// TEXT as ParseDevice has it. Of RANKS ranks on a machine with several GPUs, "auto" and "cuda" give the one numbered
// LOCAL_RANK its own, cuda:LOCAL_RANK; where each process sees but one GPU, which is Slurm's way, that one. "cuda:N" is
// an error, since NCCL wants a GPU for each.
absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks);

// The same, for a machine with DEVICES GPUs; for tests.
absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks, int devices);

// FailedPrecondition where two of GPUS, the unique names of the ranks' GPUs by rank, are equal.
absl::Status RequireOwnGpus(const std::vector<std::string>& gpus);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_
