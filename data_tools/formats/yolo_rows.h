// The rows of YOLO's label files. "class cx cy w h" is one form of several that look alike: polygons, boxes with
// landmarks, poses, and detections with their scores are rows of numbers, too.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_YOLO_ROWS_H_
#define HARDFACE_DATA_TOOLS_FORMATS_YOLO_ROWS_H_

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// What a row of more than five numbers holds behind its class.
enum class YoloRows {
  kAuto,       // told by the numbers; where they leave a doubt, an error
  kBox,        // a box; what stands behind it is left out
  kPolygon,    // points; their bounding box counts
  kLandmarks,  // a box, then points of 2 numbers, or of 3 with the visibility
};

struct YoloRowRules {
  YoloRows rows = YoloRows::kAuto;
  int points = 0, point_size = 0;  // data.yaml's kpt_shape; 0: not known
  bool fractions = true;           // the numbers are fractions of the image's size; false: pixels
  // Lengths of rows (numbers behind the class) that are landmarks in this data set, as NoteLandmarks found.
  std::set<size_t> landmark_lengths;
};

// Looks through one label file of the set: a row of five landmarks that holds a negative number, which stands for "not
// labelled", is no polygon, and so are all the set's rows of that length.
void NoteLandmarks(absl::string_view text, YoloRowRules* rules);

// The rows of one label file into image->faces and image->errors. PLACE is the file's name.
//
// Without a word from the user, rows of 4 numbers behind the class are boxes. Longer ones are poses where kpt_shape
// says so; five landmarks where NoteLandmarks says so or where they can be nothing else (an odd number); errors where a
// number is negative, where the last of five may be a score, and where all points lie in the box that the first four
// numbers make, so that the row may be either; polygons else.
void ParseYoloLabels(absl::string_view text, const std::string& place, const std::vector<std::string>& names,
                     const YoloRowRules& rules, AnnotatedImage* image);

// Whether TEXT may be a label file: empty, or its first row is numbers, five at least. Lists of names are none.
bool LooksLikeYoloLabels(absl::string_view text);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_YOLO_ROWS_H_
