// COCO: one JSON file with images, annotations and categories.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_COCO_H_
#define HARDFACE_DATA_TOOLS_FORMATS_COCO_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// Reads the whole file. An annotation with "iscrowd" or "ignore" becomes `ignore`; its "attributes" are kept, and those
// of images. An annotation of no image is among the source's findings.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenCoco(const std::string& path);

struct CocoContent {
  std::vector<AnnotatedImage> images;
  std::vector<SourceFinding> findings;
};

// The same from text. PLACE stands before errors.
absl::StatusOr<CocoContent> ParseCoco(absl::string_view text, const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_COCO_H_
