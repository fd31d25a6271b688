// RetinaFace's label.txt, WIDER FACE with landmarks: "# 0--Parade/a.jpg", then one row a face, "x y w h", five
// landmarks of "x y flag" and a number that the authors do not explain.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_RETINAFACE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_RETINAFACE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Landmarks become the attributes "landmarks" and "landmarks_occluded" (flag 1), the last number "quality"; a landmark
// of -1 -1 -1 is not labelled. Rows of a box alone (4 numbers), with landmarks (19) and with the last number (20) are
// read. The images are looked for under the images' folder and in its folder "images".
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenRetinaFace(const std::string& path);

// The same from text. PLACE stands before errors.
absl::StatusOr<std::vector<AnnotatedImage>> ParseRetinaFace(absl::string_view text, const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_RETINAFACE_H_
