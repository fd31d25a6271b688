// Augmented samples on disk: to look at what training sees, or to train from.
#ifndef HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_DATASET_H_
#define HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/augmentation/training_sample.h"

namespace hardface::data {

struct AugmentDatasetOptions {
  AugmentOptions augment;
  int copies = 1;     // samples of each entry
  uint64_t seed = 1;  // sample c of entry i is drawn from (seed, i, c), whatever the number of threads
  bool draw_boxes = false;
  int threads = 0;
};

struct AugmentCounts {
  int64_t images = 0;
  int64_t faces = 0;
};

// Writes OUTPUT/images/NNNNNN_C.png and a manifest. An image that cannot be read ends the work with an error that names
// it.
absl::StatusOr<AugmentCounts> AugmentDataset(const std::string& input, const std::string& output,
                                             const AugmentDatasetOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_DATASET_H_
