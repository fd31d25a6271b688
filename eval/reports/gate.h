// The gate: compares metrics with bounds, so that a script or CI stops when a figure falls.
#ifndef HARDFACE_EVAL_REPORTS_GATE_H_
#define HARDFACE_EVAL_REPORTS_GATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/metrics.h"

namespace hardface::eval {

enum class Relation { kAtLeast, kAtMost, kAbove, kBelow };

// One line of an expect file: "ap >= 0.5".
struct Expectation {
  std::string metric;
  Relation relation = Relation::kAtLeast;
  double bound = 0;
  std::string bound_text;  // as the file writes it
};

// Lines "NAME >= NUMBER" with >=, <=, > or <; "#" starts a comment. PLACE stands before errors. A file without any
// expectation is an error: such a gate could not fail.
absl::StatusOr<std::vector<Expectation>> ParseExpectations(absl::string_view text, const std::string& place);

struct GateRow {
  Expectation expectation;
  std::string value;  // as measured; "missing", "nan"
  bool passed = false;
};

// A metric that is missing, text or not defined (nan) does not pass.
std::vector<GateRow> CheckExpectations(const Metrics& metrics, const std::vector<Expectation>& expectations);

// The rows as an aligned table, one line each, "ok" or "FAILED" last.
std::string GateTable(const std::vector<GateRow>& rows);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_GATE_H_
