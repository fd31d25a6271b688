// CrowdHuman's annotations, *.odgt: a JSON object a line, {"ID":"273271,1a0d6000b9e1f5b7","gtboxes":[{"tag":"person",
// "hbox":[x,y,w,h],"head_attr":{"ignore":0,..},"extra":{..}},..]}.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_ODGT_H_
#define HARDFACE_DATA_TOOLS_FORMATS_ODGT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// The heads (hbox), of the class "head". What the file says to ignore, heads and whole persons, and the areas tagged
// "mask" become `ignore`. Images are called ID.jpg, under the images' folder or in its folder "Images".
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenOdgt(const std::string& path);

// The same from text. PLACE stands before errors.
absl::StatusOr<std::vector<AnnotatedImage>> ParseOdgt(absl::string_view text, const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_ODGT_H_
