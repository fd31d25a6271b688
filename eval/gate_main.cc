// Exits with 1 when a metric misses its bound.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/tool_main.h"
#include "eval/common/metrics.h"
#include "eval/reports/gate.h"

ABSL_FLAG(std::string, metrics, "", "The metrics.json of a scorer, or its output folder. Required.");
ABSL_FLAG(std::string, expect, "", "File of bounds, one a line, such as \"ap >= 0.5\". # starts a comment. Required.");

namespace hardface::eval {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("metrics", absl::GetFlag(FLAGS_metrics)));
  RETURN_IF_ERROR(RequireFlag("expect", absl::GetFlag(FLAGS_expect)));
  ASSIGN_OR_RETURN(const Metrics metrics, ReadMetrics(absl::GetFlag(FLAGS_metrics)));
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(absl::GetFlag(FLAGS_expect)));
  ASSIGN_OR_RETURN(const std::vector<Expectation> expectations, ParseExpectations(text, absl::GetFlag(FLAGS_expect)));
  const std::vector<GateRow> rows = CheckExpectations(metrics, expectations);
  const auto failed = std::count_if(rows.begin(), rows.end(), [](const GateRow& row) { return !row.passed; });
  std::printf("%schecks=%zu failed=%lld\n", GateTable(rows).c_str(), rows.size(), static_cast<long long>(failed));
  std::fflush(stdout);
  if (failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(failed, " of ", rows.size(), " bounds in ",
                                                    absl::GetFlag(FLAGS_expect), " are not met by ",
                                                    absl::GetFlag(FLAGS_metrics)));
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/gate",
       "Compares a scorer's metrics with bounds and prints a table. The exit code is 1 when a bound is missed.",
       "",
       {{"metrics", hardface::kReadsFolder}, {"expect", hardface::kReadsFile}}},
      &hardface::eval::Run);
}
