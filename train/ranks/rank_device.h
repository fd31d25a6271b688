// Which device a rank of a training computes on.
#ifndef HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_
#define HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/execution/device.h"

namespace hardface::train {

// TEXT as ParseDevice has it. Of RANKS ranks on a machine with several GPUs, "auto" and "cuda" give the one numbered
// LOCAL_RANK its own, cuda:LOCAL_RANK; "cuda:N" is an error, since NCCL wants a GPU for each.
absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks);

// The same, for a machine with DEVICES GPUs; for tests.
absl::StatusOr<model::Device> DeviceOfRank(const std::string& text, int local_rank, int ranks, int devices);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_RANK_DEVICE_H_
