// A page about trainings and scorings.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/marshalling.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/flag_values.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/published/published_results.h"
#include "eval/reports/report.h"
#include "eval/reports/run_record.h"

namespace hardface::eval {
namespace {

// A list that grows with each --run: runs are named one by one, and none must be lost.
struct RunList {
  std::vector<std::string> folders;
};

bool AbslParseFlag(absl::string_view text, RunList* list, std::string* error) {
  static auto* const all = new std::vector<std::string>;
  const std::vector<std::string> given = absl::StrSplit(text, ',');
  for (const std::string& folder : given) {
    if (!folder.empty()) continue;
    *error = "a folder's name is empty";
    return false;
  }
  all->insert(all->end(), given.begin(), given.end());
  list->folders = *all;
  return true;
}

std::string AbslUnparseFlag(const RunList& list) { return absl::StrJoin(list.folders, ","); }

}  // namespace
}  // namespace hardface::eval

ABSL_FLAG(hardface::eval::RunList, run, {},
          "Output folder of a training, a scorer or infer:detect. Several folders (--run=A --run=B, or --run=A,B) are "
          "drawn over one another. Required.");
ABSL_FLAG(std::string, output, "", "Page to write, named FILE.html. Required.");
ABSL_FLAG(int, pictures, 12, "Number of pictures of drawn/ taken from each run, from 0 to 10000.");
ABSL_FLAG(int, picture_side, 480, "Longer side of the pictures in pixels, from 16 to 4000.");
ABSL_FLAG(
    std::string, published, "",
    "CSV file of published results to list below the scores, such as eval/published/results.csv. Empty lists none.");

namespace hardface::eval {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  const std::vector<std::string> folders = absl::GetFlag(FLAGS_run).folders;
  const std::string output = absl::GetFlag(FLAGS_output);
  if (folders.empty()) return UsageError("--run must be given. --help says what it means.");
  RETURN_IF_ERROR(RequireFlag("output", output));
  if (!absl::EndsWith(output, ".html")) return UsageError(absl::StrCat("--output=", output, ": name it FILE.html"));
  ReportOptions options;
  options.pictures = absl::GetFlag(FLAGS_pictures);
  options.picture_side = absl::GetFlag(FLAGS_picture_side);
  RETURN_IF_ERROR(RequireRange("pictures", options.pictures, 0, 10000));
  RETURN_IF_ERROR(RequireRange("picture_side", options.picture_side, 16, 4000));

  const std::vector<std::string> names = RunNames(folders);
  std::vector<RunRecord> runs;
  Provenance provenance;
  if (const std::string published = absl::GetFlag(FLAGS_published); !published.empty()) {
    ASSIGN_OR_RETURN(options.published, ReadPublishedResults(published));
    RETURN_IF_ERROR(provenance.AddInput(published));
  }
  for (size_t i = 0; i < folders.size(); ++i) {
    ASSIGN_OR_RETURN(runs.emplace_back(), ReadRun(folders[i], names[i]));
    for (const std::string& file : runs.back().files) RETURN_IF_ERROR(provenance.AddInput(file));
  }
  ASSIGN_OR_RETURN(const Report report, MakeReport(runs, options));
  for (const std::string& warning : report.warnings) std::fprintf(stderr, "report: warning: %s\n", warning.c_str());
  RETURN_IF_ERROR(WriteFileAtomically(output, report.html));
  RETURN_IF_ERROR(provenance.WriteBeside(output));
  std::printf("runs=%zu charts=%d pictures=%d warnings=%zu\n", runs.size(), report.charts, report.pictures,
              report.warnings.size());
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/report",
       "Writes one self-contained HTML page about trainings, scorings and detections. The page shows what their output "
       "folders hold: curves (metrics.jsonl, pr.csv, roc.csv), scores (metrics.json), difficulty (difficulty.jsonl), "
       "pictures (drawn/) and settings (flags.txt, provenance.json).",
       "",
       {{"run", hardface::kReadsFolder, hardface::PathForm::kList},
        {"published", hardface::kReadsFile},
        {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
