// The table of an ablation: variants trained with several seeds, scored on several test sets, each with an interval and
// its paired difference from the variant it is compared with.
#ifndef HARDFACE_EVAL_REPORTS_ABLATION_TABLE_H_
#define HARDFACE_EVAL_REPORTS_ABLATION_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/bootstrap.h"
#include "eval/common/outcome_set.h"

namespace hardface::eval {

// One scored result: a variant, trained with one seed, on one test set.
struct AblationResult {
  std::string table;  // "training"; each table becomes one of Markdown
  std::string test_set;
  std::string variant;
  int64_t seed = 0;
  std::string baseline;  // the variant that this one is compared with; empty: none
  std::string scores;    // the scorer's output folder, made with --outcomes
  std::string place;     // FILE:LINE, for errors
};

inline constexpr char kAblationHeader[] = "table,test_set,variant,seed,baseline,scores";

// TEXT: the header line kAblationHeader, then one line a result; `scores` is the rest of its line. PLACE (the file's
// name) stands before errors: a wrong line, a variant twice with one seed, a baseline that is not there.
absl::StatusOr<std::vector<AblationResult>> ParseAblationResults(absl::string_view text, const std::string& place);

// A variant on a test set by one metric.
struct AblationRow {
  std::string table, test_set, metric, variant, baseline;
  std::vector<int64_t> seeds;
  std::vector<double> values;  // of each seed
  double mean = 0;
  Interval interval;  // of the mean, over resampled images
  // The mean less the baseline's; not defined (NaN) without a baseline.
  double difference = 0;
  Interval difference_interval;
  double p_value = 0;
  int64_t images = 0, faces = 0;
};

// OUTCOMES[i] belongs to RESULTS[i]. All results of a test set must be of the same images and faces. Images are
// resampled, the same ones for all seeds of a variant and of its baseline; the seeds are not, so that an interval says
// how sure the figure is of these trainings, and `values` how far trainings lie apart. Rows are in the results' order
// of tables, test sets and variants.
absl::StatusOr<std::vector<AblationRow>> MakeAblationRows(const std::vector<AblationResult>& results,
                                                          const std::vector<Outcomes>& outcomes,
                                                          const BootstrapOptions& options);

// The tables, and a warning for every seed with less than half of what another seed of the variant reaches.
std::string AblationMarkdown(const std::vector<AblationRow>& rows, const BootstrapOptions& options);
// One line a row, full precision; lists are separated by semicolons.
std::string AblationCsv(const std::vector<AblationRow>& rows);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_ABLATION_TABLE_H_
