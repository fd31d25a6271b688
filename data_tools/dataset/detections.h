// Detections on disk: detections.jsonl, one line an image: {"image":"..","boxes":[[x,y,w,h,score],..]}
// (docs/FORMATS.md).
#ifndef HARDFACE_DATA_TOOLS_DATASET_DETECTIONS_H_
#define HARDFACE_DATA_TOOLS_DATASET_DETECTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/dataset/box.h"

namespace hardface::data {

struct Detection {
  Rect box;         // pixels of the image
  float score = 0;  // higher: more surely a face
};

// The detections of one image, in falling score where our tools write them.
struct ImageDetections {
  std::string image;  // as in the dataset's manifest, or the path given on the command line
  bool flip = false;  // found on the mirror image, in its coordinates
  std::vector<Detection> boxes;
};

// One line without the line break, and back. PLACE stands before errors ("detections.jsonl:7"). NaN and infinite
// numbers and negative extents are errors.
std::string DetectionsToJson(const ImageDetections& detections);
absl::StatusOr<ImageDetections> DetectionsFromJson(absl::string_view line, const std::string& place);

// PATH itself, or the detections.jsonl in the folder PATH.
std::string DetectionsFile(const std::string& path);

// Reads a detections.jsonl, or the one in a folder. An image that stands twice (same flip) is an error.
absl::StatusOr<std::vector<ImageDetections>> ReadDetections(const std::string& path);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_DETECTIONS_H_
