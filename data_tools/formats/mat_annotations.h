// Annotations in MATLAB files: WIDER FACE's wider_face_{train,val}.mat, and the AFW and PASCAL faces annotations of
// face-eval.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_MAT_ANNOTATIONS_H_
#define HARDFACE_DATA_TOOLS_FORMATS_MAT_ANNOTATIONS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Cell arrays event_list, file_list, face_bbx_list and, where they are there, the six *_label_list. The same dataset as
// OpenWider gives from the text form: EVENT/NAME.jpg, attributes, `ignore` where invalid.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenWiderMat(const std::string& path);

// A struct array Annotations with imgname, imgsize and objects: rows of x1, y1, x2, y2, pose, ignore. The width of a
// box is x2 - x1, as face-eval's protocol has it.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenFaceEvalMat(const std::string& path);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_MAT_ANNOTATIONS_H_
