// The communicator of a training that mpirun (or another MPI launcher) has started.
#ifndef HARDFACE_TRAIN_RANKS_MPI_COMMUNICATOR_H_
#define HARDFACE_TRAIN_RANKS_MPI_COMMUNICATOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "train/ranks/communicator.h"

namespace hardface::train {

struct MpiOptions {
  // A rank that keeps the others waiting for longer is taken for hung, and the job ends. Steps that have taken longer
  // raise it: to ten times the longest wait between two exchanges seen so far.
  double rank_timeout_seconds = 60;
};

// Whether an MPI launcher has started this process.
bool StartedByMpi();
// Ranks on this machine; 1 where the launcher does not say.
int RanksOnThisMachine();
// This rank's number among them; 0 where the launcher does not say.
int LocalRank();

// Joins the ranks. All MPI calls are made by a thread of their own, so that gradients travel while the backward pass
// goes on. Once in a process. The destructor waits for all ranks.
absl::StatusOr<std::unique_ptr<Communicator>> JoinMpi(const MpiOptions& options);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_MPI_COMMUNICATOR_H_
