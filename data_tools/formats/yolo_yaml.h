// YOLO's data.yaml: where a data set's images lie, what its classes are called, and the shape of its poses.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_YOLO_YAML_H_
#define HARDFACE_DATA_TOOLS_FORMATS_YOLO_YAML_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::data {

struct YoloYaml {
  struct Split {
    std::string name;                 // "train", "val" or "test"
    std::vector<std::string> places;  // as they stand: folders of images, or text files that list them
  };

  std::vector<std::string> names;  // of the classes, by their numbers
  std::string path;           // the folder that the splits' places start from, relative to the file's; may be empty
  std::vector<Split> splits;  // those that the file names
  int points = 0, point_size = 0;  // kpt_shape: keypoints a face, and 2 or 3 numbers each. 0: no poses
};

// The keys path, train, val, test, names (a list or a map of numbers to names), nc (must fit the names) and kpt_shape;
// others are passed over. Errors name PLACE and the key.
absl::StatusOr<YoloYaml> ParseYoloYaml(absl::string_view text, const std::string& place);

// The folders and lists that the splits NAMES (all where empty) mean, in order and each once. FILE: the data.yaml's
// path. A place that is not there is an error; so is a split that the file does not name.
absl::StatusOr<std::vector<std::string>> SplitPlaces(const YoloYaml& yaml, const std::string& file,
                                                     const std::vector<std::string>& names);

// The folder that the places of FILE start from.
std::string YoloRoot(const YoloYaml& yaml, const std::string& file);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_YOLO_YAML_H_
