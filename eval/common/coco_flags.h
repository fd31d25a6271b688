// The flags --coco_annotations and --coco_category, the same in the scorers that read COCO's results form.
#ifndef HARDFACE_EVAL_COMMON_COCO_FLAGS_H_
#define HARDFACE_EVAL_COMMON_COCO_FLAGS_H_

#include "absl/status/statusor.h"
#include "base/provenance.h"
#include "eval/common/coco_results.h"

namespace hardface::eval {

// A UsageError when the flags are out of range.
absl::StatusOr<CocoResultOptions> CocoOptionsFromFlags();

// Adds the annotations' file to PROVENANCE where one is given.
absl::Status AddCocoInput(Provenance* provenance);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_COCO_FLAGS_H_
