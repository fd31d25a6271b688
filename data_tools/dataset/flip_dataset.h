// Doubles a dataset: behind each entry its mirror image.
#ifndef HARDFACE_DATA_TOOLS_DATASET_FLIP_DATASET_H_
#define HARDFACE_DATA_TOOLS_DATASET_FLIP_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace hardface::data {

struct FlipOptions {
  std::string input;   // a dataset
  std::string output;  // the dataset to write
  // Write the mirrored images to OUTPUT/flipped (data_tools/images/mirror_image.h). Without it no image is written: an
  // entry with "flip": true stands for the mirrored pixels.
  bool materialize = false;
  int threads = 0;  // for materialize; 0: all processors
};

struct FlipSummary {
  int64_t images = 0;  // written: twice those read
  int64_t faces = 0;
  std::string renamed;  // "", or how many files are not called as their images are, and an example
};

// Streams. Entries that are mirrored already are an error: the output would hold the same picture twice.
absl::StatusOr<FlipSummary> FlipDataset(const FlipOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_FLIP_DATASET_H_
