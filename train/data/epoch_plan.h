// The order in which a training visits its images.
#ifndef HARDFACE_TRAIN_DATA_EPOCH_PLAN_H_
#define HARDFACE_TRAIN_DATA_EPOCH_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "data_tools/dataset/dataset.h"
#include "mining/ledger.h"

namespace hardface::train {

struct EpochOptions {
  uint64_t seed = 1;
  bool hard_image_mining = true;
  mining::HardImageOptions mining;
  // Images are visited in groups of this many of one orientation (landscape or portrait), so that a batch wastes little
  // on padding; 1: no groups.
  int aspect_group = 1;
};

// The entries of an epoch in order: all, less the easy ones that chance leaves out, shuffled. A function of its
// arguments alone.
std::vector<int64_t> PlanEpoch(const std::vector<data::DatasetEntry>& entries,
                               const std::vector<mining::LedgerEntry>& ledger, int64_t epoch,
                               const EpochOptions& options);

// An error where mining leaves every entry out of this and all later epochs: no step could have a sample, and what is
// not sampled gets no new score.
absl::Status CheckSomeAreKept(const std::vector<mining::LedgerEntry>& ledger, const EpochOptions& options);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_DATA_EPOCH_PLAN_H_
