// Waiting for work of which other ranks do a part: never without end.
#ifndef HARDFACE_TRAIN_RANKS_AWAIT_H_
#define HARDFACE_TRAIN_RANKS_AWAIT_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::train {

// Asks DONE again and again until it is true; in between asks HEALTHY, whose error ends the waiting at once.
// DeadlineExceeded after PATIENCE_SECONDS, naming WHAT was waited for.
absl::Status Await(const std::function<absl::StatusOr<bool>()>& done, const std::function<absl::Status()>& healthy,
                   double patience_seconds, const std::string& what);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_AWAIT_H_
