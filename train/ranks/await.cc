#include "train/ranks/await.h"

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::train {

absl::Status Await(const std::function<absl::StatusOr<bool>()>& done, const std::function<absl::Status()>& healthy,
                   double patience_seconds, const std::string& what) {
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    ASSIGN_OR_RETURN(const bool there, done());
    if (there) return absl::OkStatus();
    RETURN_IF_ERROR(healthy());
    const double waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (waited > patience_seconds) {
      return absl::DeadlineExceededError(absl::StrCat(what, ": no end after ", static_cast<int>(waited),
                                                      " s; another rank is gone or hangs (--rank_timeout sets the "
                                                      "patience)"));
    }
    // Short waits cost no latency; long ones leave the processor to whoever works.
    if (waited > 1e-3) std::this_thread::sleep_for(std::chrono::microseconds(waited > 0.1 ? 1000 : 50));
  }
}

}  // namespace hardface::train
