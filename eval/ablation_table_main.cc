// The table of an ablation.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/tool_main.h"
#include "eval/common/bootstrap.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"
#include "eval/reports/ablation_table.h"

ABSL_FLAG(std::string, results, "",
          "CSV file of the results. Its first line is \"table,test_set,variant,seed,baseline,scores\", and one line "
          "for each result follows. In it, scores is a scorer's output folder, made with --outcomes. Required.");
ABSL_FLAG(std::string, output, "", "Folder to write table.md, table.csv and provenance.json into. Required.");
ABSL_FLAG(int, bootstrap, 1000,
          "Number of times that the images are resampled for the intervals, from 1 to 1000000. 1000 is usual.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the resampling. Equal seeds give equal intervals.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");

namespace hardface::eval {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  const std::string file = absl::GetFlag(FLAGS_results);
  RETURN_IF_ERROR(RequireFlag("results", file));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  const BootstrapOptions options{absl::GetFlag(FLAGS_bootstrap), absl::GetFlag(FLAGS_seed),
                                 absl::GetFlag(FLAGS_threads)};
  if (options.replicates < 1 || options.replicates > 1'000'000) {
    return UsageError(
        absl::StrCat("--bootstrap=", options.replicates, ": give a number from 1 to 1000000; 1000 is usual"));
  }
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
  ASSIGN_OR_RETURN(const std::vector<AblationResult> results, ParseAblationResults(text, file));
  for (const AblationResult& result : results) ProtectInput(result.scores, InputKind::kFolder);
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(file));
  std::vector<Outcomes> outcomes;
  for (const AblationResult& result : results) {
    ASSIGN_OR_RETURN(outcomes.emplace_back(), ReadOutcomes(result.scores));
    RETURN_IF_ERROR(provenance.AddInput(FileOrInFolder(result.scores, "outcomes.jsonl")));
  }
  ASSIGN_OR_RETURN(const std::vector<AblationRow> rows, MakeAblationRows(results, outcomes, options));
  const std::string markdown = AblationMarkdown(rows, options);
  RETURN_IF_ERROR(output->Write("table.md", markdown));
  RETURN_IF_ERROR(output->Write("table.csv", AblationCsv(rows)));
  std::printf("%s", markdown.c_str());
  return output->Commit({{"rows", rows.size()}, {"results", results.size()}, {"bootstrap", options.replicates}},
                        provenance);
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/ablation_table",
       "Makes one table of many scored results, by variant and test set. The table gives the figure of every seed, "
       "their mean with its 95 % interval, and the paired difference from a baseline.",
       "",
       {{"results", hardface::kReadsFile}, {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
