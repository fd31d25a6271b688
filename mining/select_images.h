// Hard image selection: the dataset of one epoch, in which easy images are rare.
#ifndef HARDFACE_MINING_SELECT_IMAGES_H_
#define HARDFACE_MINING_SELECT_IMAGES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "mining/difficulty.h"

namespace hardface::mining {

struct SelectionCounts {
  int64_t entries = 0;
  int64_t easy = 0;
  int64_t unscored = 0;  // in the dataset, not in the scores: kept as hard
  int64_t kept = 0;
  int64_t unknown = 0;  // in the scores, not in the dataset: of no use
};

// Streams DATASET to OUTPUT without the easy entries that chance leaves out. Each entry's chance depends on SEED and
// its own identity only, so that adding images changes no other decision. Scores of which none is of the dataset's
// entries are an error: they belong to another one.
absl::StatusOr<SelectionCounts> SelectImages(const std::string& dataset, const std::string& scores,
                                             const std::string& output, uint64_t seed, const HardImageOptions& options);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_SELECT_IMAGES_H_
