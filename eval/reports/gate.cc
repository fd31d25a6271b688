#include "eval/reports/gate.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

struct RelationName {
  const char* text;
  Relation relation;
};
constexpr RelationName kRelations[] = {
    {">=", Relation::kAtLeast}, {"<=", Relation::kAtMost}, {">", Relation::kAbove}, {"<", Relation::kBelow}};

bool ParseRelation(absl::string_view text, Relation* relation) {
  for (const RelationName& known : kRelations) {
    if (text != known.text) continue;
    *relation = known.relation;
    return true;
  }
  return false;
}

const char* RelationText(Relation relation) {
  for (const RelationName& known : kRelations) {
    if (relation == known.relation) return known.text;
  }
  return "?";
}

bool Holds(double value, Relation relation, double bound) {
  switch (relation) {
    case Relation::kAtLeast:
      return value >= bound;
    case Relation::kAtMost:
      return value <= bound;
    case Relation::kAbove:
      return value > bound;
    case Relation::kBelow:
      return value < bound;
  }
  return false;
}

absl::StatusOr<Expectation> ParseExpectation(absl::string_view line, const std::string& place) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  Expectation expectation;
  const bool good = words.size() == 3 && ParseRelation(words[1], &expectation.relation) &&
                    absl::SimpleAtod(words[2], &expectation.bound) && std::isfinite(expectation.bound);
  if (!good) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": \"", line, "\" is not an expectation; write NAME >= NUMBER (or <=, >, <) with spaces"));
  }
  expectation.metric = words[0];
  expectation.bound_text = words[2];
  return expectation;
}

GateRow CheckOne(const Metrics& metrics, const Expectation& expectation) {
  GateRow row{expectation, "missing", false};
  const auto value = metrics.find(expectation.metric);
  if (value == metrics.end()) return row;
  if (!value->is_number()) {
    row.value = value->is_null() ? "nan" : value->dump();
    return row;
  }
  row.value = absl::StrFormat("%.6f", value->get<double>());
  row.passed = Holds(value->get<double>(), expectation.relation, expectation.bound);
  return row;
}

}  // namespace

absl::StatusOr<std::vector<Expectation>> ParseExpectations(absl::string_view text, const std::string& place) {
  std::vector<Expectation> expectations;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(WithoutByteOrderMark(text), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    ASSIGN_OR_RETURN(expectations.emplace_back(), ParseExpectation(line, absl::StrCat(place, ":", number)));
  }
  if (expectations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expects nothing, so this gate could never fail; write lines like \"ap >= 0.5\""));
  }
  return expectations;
}

std::vector<GateRow> CheckExpectations(const Metrics& metrics, const std::vector<Expectation>& expectations) {
  std::vector<GateRow> rows;
  for (const Expectation& expectation : expectations) rows.push_back(CheckOne(metrics, expectation));
  return rows;
}

std::string GateTable(const std::vector<GateRow>& rows) {
  size_t name_width = 6, value_width = 5, bound_width = 5;
  for (const GateRow& row : rows) {
    name_width = std::max(name_width, row.expectation.metric.size());
    value_width = std::max(value_width, row.value.size());
    bound_width = std::max(bound_width, row.expectation.bound_text.size());
  }
  const auto line = [&](absl::string_view name, absl::string_view value, absl::string_view relation,
                        absl::string_view bound, absl::string_view verdict) {
    return absl::StrFormat("%-*s  %*s  %2s  %-*s  %s\n", static_cast<int>(name_width), name,
                           static_cast<int>(value_width), value, relation, static_cast<int>(bound_width), bound,
                           verdict);
  };
  std::string table = line("metric", "value", "", "bound", "");
  for (const GateRow& row : rows) {
    table += line(row.expectation.metric, row.value, RelationText(row.expectation.relation), row.expectation.bound_text,
                  row.passed ? "ok" : "FAILED");
  }
  return table;
}

}  // namespace hardface::eval
