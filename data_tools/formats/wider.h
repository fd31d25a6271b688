// WIDER FACE's text annotations, wider_face_{train,val}_bbx_gt.txt: path, count, then one row a face
// "x y w h blur expression illumination invalid occlusion pose".
#ifndef HARDFACE_DATA_TOOLS_FORMATS_WIDER_H_
#define HARDFACE_DATA_TOOLS_FORMATS_WIDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Rows of four numbers (no attributes) are read as well. A face with the invalid flag becomes `ignore`; an image's
// first folder becomes its attribute "event". A row of zeros alone stands for "no face", whether the count before it
// says 0 or 1.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenWider(const std::string& path);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_WIDER_H_
