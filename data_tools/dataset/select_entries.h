// Datasets out of datasets: split into parts, merged, or cut down to a subset.
#ifndef HARDFACE_DATA_TOOLS_DATASET_SELECT_ENTRIES_H_
#define HARDFACE_DATA_TOOLS_DATASET_SELECT_ENTRIES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::data {

struct DatasetCounts {
  int64_t images = 0;
  int64_t faces = 0;
};

struct SplitOptions {
  std::string input;
  std::vector<std::string> outputs;
  std::vector<double> fractions;  // one an output, above 0; they sum to 1, but for rounding
  uint64_t seed = 1;
  // Pictures that look alike (picture_hash.h) stay together, so that no test set holds what was trained on. Reads every
  // image.
  bool keep_alike_together = false;
  int threads = 0;  // for that; 0: all processors
};
// What is wrong with the parts that are asked for.
absl::Status CheckSplit(const SplitOptions& options);
// Deals the images out at random, those with alike numbers of faces (0, 1, 2-3, 4-7, ...) evenly; an image and its
// mirror image stay together. Every image goes into one output, in the input's order.
absl::StatusOr<std::vector<DatasetCounts>> SplitDataset(const SplitOptions& options);

struct MergeOptions {
  std::vector<std::string> inputs;
  std::string output;
  bool skip_doubles = false;  // an image (and flip) that came before: left out, else an error
};
// The inputs one after the other; the images stay where they are.
absl::StatusOr<DatasetCounts> MergeDatasets(const MergeOptions& options);

struct SubsetOptions {
  std::string input, output;
  std::string images;     // RE2 pattern that must match somewhere in the image's path; "": all
  double min_height = 0;  // faces of other heights (pixels) are not chosen
  double max_height = 1e9;
  // (name, RE2 pattern): faces whose attribute of that name, as text, does not match wholly are not chosen.
  std::vector<std::pair<std::string, std::string>> attributes;
  bool drop_others = false;  // faces not chosen: left out; else kept with "ignore": true
  bool keep_empty = false;   // images without a chosen face: kept
  int64_t limit = 0;         // the first so many images only; 0: all
};
absl::StatusOr<DatasetCounts> SubsetDataset(const SubsetOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_SELECT_ENTRIES_H_
