#include "train/ranks/mpi_library.h"

#include <dlfcn.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace hardface::train {
namespace {

// Open MPI 4 (Debian 12, Ubuntu 24.04) and 5 (Debian 13) share this name and its binary interface.
constexpr char kLibrary[] = "libmpi.so.40";

absl::Status Missing(absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("an MPI launcher has started this process, but Open MPI's library ", kLibrary, " cannot be used (",
                   why, "). Install Open MPI 4 or 5 (on Debian: apt-get install openmpi-bin) and use its mpirun"));
}

// Finds the library's names, and remembers the first that is not there.
class Names {
 public:
  explicit Names(void* library) : library_(library) {}

  template <typename Pointer>
  void Find(const char* name, Pointer* place) {
    *place = reinterpret_cast<Pointer>(dlsym(library_, name));
    if (*place == nullptr && missing_.empty()) missing_ = name;
  }

  const std::string& missing() const { return missing_; }

 private:
  void* const library_;
  std::string missing_;
};

absl::StatusOr<const MpiLibrary*> LoadOnce() {
  // Global, because Open MPI's plugins look for the library's names among those of the whole process.
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) return Missing(dlerror());
  auto* const mpi = new MpiLibrary;  // as long as the process
  Names names(library);
  names.Find("MPI_Abort", &mpi->Abort);
  names.Find("MPI_Comm_rank", &mpi->Comm_rank);
  names.Find("MPI_Comm_size", &mpi->Comm_size);
  names.Find("MPI_Finalize", &mpi->Finalize);
  names.Find("MPI_Iallgather", &mpi->Iallgather);
  names.Find("MPI_Iallgatherv", &mpi->Iallgatherv);
  names.Find("MPI_Iallreduce", &mpi->Iallreduce);
  names.Find("MPI_Ibarrier", &mpi->Ibarrier);
  names.Find("MPI_Init_thread", &mpi->Init_thread);
  names.Find("MPI_Iprobe", &mpi->Iprobe);
  names.Find("MPI_Issend", &mpi->Issend);
  names.Find("MPI_Recv", &mpi->Recv);
  names.Find("MPI_Test", &mpi->Test);
  names.Find("ompi_mpi_comm_world", &mpi->world);
  names.Find("ompi_mpi_char", &mpi->type_char);
  names.Find("ompi_mpi_float", &mpi->type_float);
  names.Find("ompi_mpi_int", &mpi->type_int);
  names.Find("ompi_mpi_int64_t", &mpi->type_int64);
  names.Find("ompi_mpi_op_sum", &mpi->sum);
  if (!names.missing().empty()) return Missing(absl::StrCat("it has no ", names.missing()));
  return mpi;
}

}  // namespace

absl::StatusOr<const MpiLibrary*> LoadMpi() {
  static const auto* const loaded = new absl::StatusOr<const MpiLibrary*>(LoadOnce());
  return *loaded;
}

}  // namespace hardface::train
