// A page about trainings and scorings: curves, scores, pictures, settings.
#ifndef HARDFACE_EVAL_REPORTS_REPORT_H_
#define HARDFACE_EVAL_REPORTS_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/published/published_results.h"
#include "eval/reports/run_record.h"

namespace hardface::eval {

struct ReportOptions {
  int pictures = 12;                            // of drawn/, of each run, evenly chosen; 0: none
  int picture_side = 480;                       // pixels that their longer side is scaled down to
  std::vector<PublishedResult> published = {};  // a table of these stands below the runs' scores
};

struct Report {
  std::string html;                   // one file that needs no other
  std::vector<std::string> warnings;  // the runs' own, and pictures that cannot be read; they stand in the page, too
  int charts = 0;
  int pictures = 0;
};

// RUNS overlay in the charts and stand side by side in the tables. Errors: gnuplot is missing or fails.
absl::StatusOr<Report> MakeReport(const std::vector<RunRecord>& runs, const ReportOptions& options);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_REPORT_H_
