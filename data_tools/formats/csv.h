// Tables: a line that names the columns, then one row a face. Any program's list of boxes can be brought into this
// form.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_CSV_H_
#define HARDFACE_DATA_TOOLS_FORMATS_CSV_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Which columns mean what; exactly one of box, corners, ellipse is set.
struct CsvColumns {
  std::string image = "image";
  std::vector<std::string> box;               // x, y, width, height
  std::vector<std::string> corners;           // x1, y1, x2, y2: edges, width = x2 - x1
  std::vector<std::string> ellipse;           // major and minor radius, angle (radians), centre x, centre y
  std::vector<std::string> original_size;     // width and height of the image that the boxes speak of; empty: as it is
  std::string class_name;                     // "": none
  std::string ignore;                         // a truth value (ParseBoolean); "": none
  std::vector<std::string> attributes;        // kept with the face
  std::vector<std::string> image_attributes;  // kept with the image; the first row of an image counts
};

// Reads the whole table and gathers the rows of each image, in the order of first appearance. Fields may be quoted
// ("a, b" and "" for a quote); lines before the line of column names that start with # are comments. A row whose box is
// empty stands for an image without faces.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenCsv(const std::string& path, const CsvColumns& columns);

// The fields of one line; false where a quote is not closed.
bool SplitCsvLine(absl::string_view line, std::vector<std::string>* fields);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_CSV_H_
