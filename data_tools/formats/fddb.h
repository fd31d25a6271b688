// FDDB's ellipse lists: image name, count, then "major minor angle cx cy 1" a face.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_FDDB_H_
#define HARDFACE_DATA_TOOLS_FORMATS_FDDB_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// PATH: one list, or the folder with FDDB-fold-01-ellipseList.txt to FDDB-fold-10-ellipseList.txt. Boxes are the
// ellipses' bounding boxes; the ellipse stays as an attribute, the fold as the image's.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenFddb(const std::string& path);

// The images of one list. PLACE is the file's name.
std::vector<AnnotatedImage> ParseFddbList(absl::string_view text, const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_FDDB_H_
