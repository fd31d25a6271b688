#include "model/execution/openmp_policy.h"

#include <unistd.h>

#include <cstdlib>

namespace hardface::model {

void UsePassiveOpenMpWaiting(char** argv) {
  constexpr char kVariable[] = "OMP_WAIT_POLICY";
  if (std::getenv(kVariable) != nullptr || setenv(kVariable, "passive", /*replace=*/1) != 0) return;
  execv("/proc/self/exe", argv);
  // Where that is not possible, the program goes on with spinning threads.
}

}  // namespace hardface::model
