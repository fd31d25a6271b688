// YOLO: one text file an image, "class cx cy w h" a row, in fractions of the image's size.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_
#define HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/formats/annotation_source.h"
#include "data_tools/formats/yolo_rows.h"

namespace hardface::data {

struct YoloOptions {
  std::string labels;  // folder of the labels, or of a whole data set (SPLIT/images, SPLIT/labels), or its data.yaml
  // Folder of the images; "": that of the labels where it holds some, else what data.yaml says.
  std::string images;
  std::string names;                     // data.yaml, or a text file of one class name a line; "": LABELS/data.yaml or
                                         // classes.txt if there
  YoloRows rows = YoloRows::kAuto;       // what rows of more than 5 numbers are
  std::vector<std::string> splits = {};  // of data.yaml, where it says what the images are: "train", ...; empty: all
  bool fractions = true;                 // false: the rows are in pixels
};

struct YoloDataSet {
  std::unique_ptr<AnnotationSource> source;
  std::string images;  // the folder that the images' paths start from
};

// Reads every image under the images' folder, sorted, or those of data.yaml's train, val and test in this order. Where
// labels lie is said by YoloLabelIndex; an image without a label file has no faces and is said to be unlabelled. That
// not one image has a label file is an error. Label files of no image are among the findings.
absl::StatusOr<YoloDataSet> OpenYolo(const YoloOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_YOLO_H_
