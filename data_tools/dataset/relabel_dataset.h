// One annotation style for datasets that different hands annotated: a detector trained on one of them draws the boxes
// of another anew.
#ifndef HARDFACE_DATA_TOOLS_DATASET_RELABEL_DATASET_H_
#define HARDFACE_DATA_TOOLS_DATASET_RELABEL_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace hardface::data {

// What becomes of faces that no detection stands for.
enum class UnmatchedFaces { kIgnore, kKeep };

struct RelabelOptions {
  std::string input;       // a dataset
  std::string detections;  // of all its images: a detections.jsonl, or a folder with one
  std::string output;      // the dataset to write
  // In falling score, each detection above MIN_SCORE stands for the face it overlaps most that no better one stands
  // for, if their IoU (continuous) is MIN_IOU or more. A tight box in a wide one of the same face can have an IoU of a
  // third.
  double min_score = 0.5;
  double min_iou = 0.2;
  UnmatchedFaces unmatched = UnmatchedFaces::kIgnore;
};

struct RelabelSummary {
  int64_t images = 0, faces = 0;
  int64_t relabelled = 0;  // faces that have their detection's box now
  int64_t unmatched = 0;   // faces that no detection stands for
};

// Streams the dataset. Faces to be ignored stay as they are; detections on no face add none. An entry that the
// detections do not name is an error.
absl::StatusOr<RelabelSummary> RelabelDataset(const RelabelOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_RELABEL_DATASET_H_
