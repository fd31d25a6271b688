#include "eval/common/confidence_flags.h"

#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/tool_main.h"
#include "eval/common/bootstrap.h"

ABSL_FLAG(int, bootstrap, 0,
          "Number of times that the images are resampled to give each figure's 95 % interval, from 0 to 1000000. 0 "
          "gives no intervals; 1000 is usual.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the resampling. Equal seeds give equal intervals.");
ABSL_FLAG(bool, outcomes, false, "Writes outcomes.jsonl, which eval:compare reads.");

namespace hardface::eval {

absl::Status CheckConfidenceFlags() {
  const int bootstrap = absl::GetFlag(FLAGS_bootstrap);
  if (bootstrap >= 0 && bootstrap <= 1'000'000) return absl::OkStatus();
  return UsageError(absl::StrCat("--bootstrap=", bootstrap, ": give a number from 0 to 1000000; 1000 is usual"));
}

bool WantsConfidence() { return absl::GetFlag(FLAGS_bootstrap) > 0 || absl::GetFlag(FLAGS_outcomes); }

absl::Status WriteConfidence(const Outcomes& outcomes, int threads, ScoreOutput* output, Metrics* metrics) {
  AddIntervals(outcomes.sets, {absl::GetFlag(FLAGS_bootstrap), absl::GetFlag(FLAGS_seed), threads}, metrics);
  if (!absl::GetFlag(FLAGS_outcomes)) return absl::OkStatus();
  return output->Write("outcomes.jsonl", OutcomesToJsonl(outcomes));
}

}  // namespace hardface::eval
