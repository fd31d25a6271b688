// Open MPI's functions, loaded when mpirun has started the process: a training of one process needs no MPI on the
// machine.
#ifndef HARDFACE_TRAIN_RANKS_MPI_LIBRARY_H_
#define HARDFACE_TRAIN_RANKS_MPI_LIBRARY_H_

// Without Open MPI's C++ classes, which would have to be linked.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include "absl/status/statusor.h"

namespace hardface::train {

// The functions as mpi.h declares them, without their "MPI_", and the constants that are objects of the library.
struct MpiLibrary {
  decltype(&::MPI_Abort) Abort;
  decltype(&::MPI_Comm_rank) Comm_rank;
  decltype(&::MPI_Comm_size) Comm_size;
  decltype(&::MPI_Finalize) Finalize;
  decltype(&::MPI_Iallgather) Iallgather;
  decltype(&::MPI_Iallgatherv) Iallgatherv;
  decltype(&::MPI_Iallreduce) Iallreduce;
  decltype(&::MPI_Ibarrier) Ibarrier;
  decltype(&::MPI_Init_thread) Init_thread;
  decltype(&::MPI_Iprobe) Iprobe;
  decltype(&::MPI_Issend) Issend;
  decltype(&::MPI_Recv) Recv;
  decltype(&::MPI_Test) Test;
  MPI_Comm world;
  MPI_Datatype type_char, type_float, type_int, type_int64;
  MPI_Op sum;
};

// Loads the library, which stays loaded. FailedPrecondition, naming what to install, where there is none.
absl::StatusOr<const MpiLibrary*> LoadMpi();

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_MPI_LIBRARY_H_
