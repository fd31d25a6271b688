#include "model/execution/openmp_policy.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace hardface::model {

void UsePassiveOpenMpWaiting(char** argv) {
  constexpr char kVariable[] = "OMP_WAIT_POLICY";
  if (std::getenv(kVariable) != nullptr || setenv(kVariable, "passive", /*replace=*/1) != 0) return;
  // By its own path where that is known: a program run as /proc/self/exe is called "exe" by ps, top and pkill.
  std::error_code unknown;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) execv(path.c_str(), argv);
  execv("/proc/self/exe", argv);
  // Where that is not possible, the program goes on with spinning threads.
}

}  // namespace hardface::model
