// The flags --bootstrap, --seed and --outcomes, the same in every scorer.
#ifndef HARDFACE_EVAL_COMMON_CONFIDENCE_FLAGS_H_
#define HARDFACE_EVAL_COMMON_CONFIDENCE_FLAGS_H_

#include "absl/status/status.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"

namespace hardface::eval {

// A UsageError when the flags are out of range.
absl::Status CheckConfidenceFlags();

// Whether any of them asks for something. Outcomes need not be made otherwise.
bool WantsConfidence();

// Adds 95 % intervals to METRICS where --bootstrap asks for them and writes outcomes.jsonl where --outcomes does.
absl::Status WriteConfidence(const Outcomes& outcomes, int threads, ScoreOutput* output, Metrics* metrics);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_CONFIDENCE_FLAGS_H_
