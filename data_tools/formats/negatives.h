// Pictures without a face, which the user says to be such: no file annotates them.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_NEGATIVES_H_
#define HARDFACE_DATA_TOOLS_FORMATS_NEGATIVES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Every picture under the folder IMAGES, sorted, without faces. That there is none is an error.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenNegatives(const std::string& images);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_NEGATIVES_H_
