#include "eval/common/coco_flags.h"

#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/tool_main.h"

ABSL_FLAG(std::string, coco_annotations, "",
          "Applies to --detections in COCO's results form. Annotations in COCO's form whose \"images\" say which file "
          "an image_id is. Empty means that an image_id is an image's path, or a number that is its file name.");
ABSL_FLAG(int64_t, coco_category, -1,
          "Applies to --detections in COCO's results form. Only detections of this category_id count. -1 means that "
          "all are of one category.");

namespace hardface::eval {

absl::StatusOr<CocoResultOptions> CocoOptionsFromFlags() {
  CocoResultOptions options{absl::GetFlag(FLAGS_coco_annotations), absl::GetFlag(FLAGS_coco_category)};
  if (options.category >= -1) return options;
  return UsageError(absl::StrCat("--coco_category=", options.category, ": give a category_id of at least 0"));
}

absl::Status AddCocoInput(Provenance* provenance) {
  const std::string annotations = absl::GetFlag(FLAGS_coco_annotations);
  return annotations.empty() ? absl::OkStatus() : provenance->AddInput(annotations);
}

}  // namespace hardface::eval
