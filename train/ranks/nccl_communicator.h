// Gradients summed over GPUs by NCCL, one process a GPU. The ranks themselves, and all that is not a gradient on a
// device, are a host communicator's (MPI's, or a world of one).
#ifndef HARDFACE_TRAIN_RANKS_NCCL_COMMUNICATOR_H_
#define HARDFACE_TRAIN_RANKS_NCCL_COMMUNICATOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/cuda/cuda_context.h"
#include "train/ranks/communicator.h"

namespace hardface::train {

// A communicator whose StartSum and StartGather take pointers into the memory of CONTEXT's device. They begin once what
// has been queued in the context's stream so far is done, and run in a stream of their own, beside what is queued
// later. Wait() returns when they are done, or when a rank is found lost: by NCCL, or by HOST's patience. Every rank
// gets the same bits.
//
// HOST has the same ranks and must outlive this; every rank calls this at the same time (HOST carries NCCL's unique
// id), and its patience holds here as well. FailedPrecondition without CUDA and where two ranks compute on one GPU,
// DeadlineExceeded where a rank does not join, Internal for what NCCL finds.
absl::StatusOr<std::unique_ptr<Communicator>> JoinNccl(std::shared_ptr<model::CudaContext> context, Communicator* host);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_NCCL_COMMUNICATOR_H_
