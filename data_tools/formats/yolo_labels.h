// Where the label files of a YOLO data set lie.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_YOLO_LABELS_H_
#define HARDFACE_DATA_TOOLS_FORMATS_YOLO_LABELS_H_

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::data {

// Where the labels of an image lie: "train/images/a.jpg" -> "train/labels/a.txt", "b/c.png" -> "b/c.txt".
std::string YoloLabelPath(const std::string& image);

// All label files of a data set, found in whatever case their names and folders are written ("Labels/A.TXT").
class YoloLabelIndex {
 public:
  // Looks through FOLDERS, which may lie in one another.
  static absl::StatusOr<YoloLabelIndex> Create(const std::vector<std::string>& folders);

  // The label file of the image FILE of the folder IMAGES; "" where there is none. It is looked for, in this order, in
  // LABELS under the image's path and beside the image, each with the last folder "images" replaced by "labels" and
  // without. *again is set where an earlier image has the same label file.
  std::string Find(const std::string& labels, const std::string& images, const std::string& file, bool* again);

  // Label files that belong to no image. Text files that hold no labels, such as classes.txt and README.txt, are none.
  std::vector<std::string> Unused() const;

 private:
  struct LabelFile {
    std::string path;
    bool used = false;
  };
  LabelFile* Lookup(const std::string& path);

  // By absolute path; in lower case, with all that share it.
  std::map<std::string, LabelFile> files_;
  std::map<std::string, std::vector<std::string>> by_lower_case_;
};

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_YOLO_LABELS_H_
