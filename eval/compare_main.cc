// Compares two results of the same images.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/common/bootstrap.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"

ABSL_FLAG(std::string, a, "", "Output folder of a scorer that was run with --outcomes. Required.");
ABSL_FLAG(std::string, b, "",
          "Output folder of a scorer that was run with --outcomes on the same ground truth; differences are b - a. "
          "Required.");
ABSL_FLAG(std::string, output, "",
          "Folder to write metrics.json and provenance.json into. Empty only prints the figures.");
ABSL_FLAG(int, bootstrap, 1000,
          "Number of times that the images are resampled for the intervals, from 1 to 1000000. 1000 is usual.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the resampling. Equal seeds give equal intervals.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");

namespace hardface::eval {
namespace {

Metrics Report(const std::vector<PairedDifference>& differences) {
  Metrics metrics;
  std::printf("%-20s %10s %10s %10s   %-22s %8s\n", "metric", "a", "b", "b - a", "95 % interval", "p");
  for (const PairedDifference& d : differences) {
    std::printf("%-20s %10.6f %10.6f %+10.6f   [%+.6f, %+.6f] %8.4f\n", d.name.c_str(), d.a, d.b, d.difference,
                d.interval.low, d.interval.high, d.p_value);
    metrics[d.name + "_a"] = d.a;
    metrics[d.name + "_b"] = d.b;
    metrics[d.name + "_difference"] = d.difference;
    metrics[d.name + "_low"] = d.interval.low;
    metrics[d.name + "_high"] = d.interval.high;
    metrics[d.name + "_p"] = d.p_value;
  }
  return metrics;
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("a", absl::GetFlag(FLAGS_a)));
  RETURN_IF_ERROR(RequireFlag("b", absl::GetFlag(FLAGS_b)));
  const int replicates = absl::GetFlag(FLAGS_bootstrap);
  if (replicates < 1 || replicates > 1'000'000) {
    return UsageError(absl::StrCat("--bootstrap=", replicates, ": give a number from 1 to 1000000; 1000 is usual"));
  }
  ASSIGN_OR_RETURN(const Outcomes a, ReadOutcomes(absl::GetFlag(FLAGS_a)));
  ASSIGN_OR_RETURN(const Outcomes b, ReadOutcomes(absl::GetFlag(FLAGS_b)));
  ASSIGN_OR_RETURN(const std::vector<PairedDifference> differences,
                   ComparePaired(a, b, {replicates, absl::GetFlag(FLAGS_seed), absl::GetFlag(FLAGS_threads)}));
  Metrics metrics = Report(differences);
  metrics["bootstrap"] = replicates;
  if (absl::GetFlag(FLAGS_output).empty()) {
    std::printf("%s\n", MetricsLine(metrics).c_str());
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));
  return output->Commit(metrics, Provenance());
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/compare",
       "Tests whether two results of the same images differ, by a paired bootstrap over the images. It reads the "
       "outcomes.jsonl that scorers write. Prints a table and one line of figures.",
       "",
       {{"a", hardface::kReadsFolder}, {"b", hardface::kReadsFolder}, {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
