// YOLO: one text file an image, "class cx cy w h" a row, in fractions of the image's size.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_
#define HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

struct YoloOptions {
  std::string labels;  // folder of the labels, or of a whole data set (SPLIT/images, SPLIT/labels), or its data.yaml
  std::string images;  // folder of the images
  std::string
      names;  // data.yaml, or a text file of one class name a line; "": LABELS/data.yaml or classes.txt if there
};

// Reads every image under the images' folder, sorted. Its labels lie under the same path in the labels' folder, with
// the last folder "images" of the path replaced by "labels", and end in .txt; an image without that file has no faces.
// Rows of more than 5 numbers are polygons: their bounding box counts.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenYolo(const YoloOptions& options);

// The rows of one label file into image->faces and image->errors. PLACE is the file's name.
void ParseYoloLabels(absl::string_view text, const std::string& place, const std::vector<std::string>& names,
                     AnnotatedImage* image);

// Where the labels of an image lie: "train/images/a.jpg" -> "train/labels/a.txt", "b/c.png" -> "b/c.txt".
std::string YoloLabelPath(const std::string& image);

// The key `names` of a data.yaml: a list in brackets, a list of "- name" lines, or a map of "0: name" lines.
absl::StatusOr<std::vector<std::string>> ParseYoloNames(absl::string_view yaml, const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_
