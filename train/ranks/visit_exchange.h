// The ranks' visits of dataset entries, put together in one order.
#ifndef HARDFACE_TRAIN_RANKS_VISIT_EXCHANGE_H_
#define HARDFACE_TRAIN_RANKS_VISIT_EXCHANGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mining/ledger.h"
#include "train/ranks/communicator.h"

namespace hardface::train {

// Every rank's VISITS, in the order of their samples: what one rank alone would have seen. All ranks call it together.
absl::StatusOr<std::vector<mining::Visit>> GatherVisits(const std::vector<mining::Visit>& visits,
                                                        Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_VISIT_EXCHANGE_H_
