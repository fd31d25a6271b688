#include "eval/reports/ablation_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

constexpr double kNotDefined = std::numeric_limits<double>::quiet_NaN();

absl::Status Bad(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
}

// Results of one test set in one table; a variant is compared with others of it.
using Group = std::pair<std::string, std::string>;
Group GroupOf(const AblationResult& result) { return {result.table, result.test_set}; }

absl::Status CheckResults(const std::vector<AblationResult>& results) {
  std::map<std::tuple<Group, std::string>, std::string> baselines;
  std::set<std::tuple<Group, std::string, int64_t>> known;
  for (const AblationResult& result : results) {
    if (!known.emplace(GroupOf(result), result.variant, result.seed).second) {
      return Bad(result.place, absl::StrCat("variant ", result.variant, " with seed ", result.seed, " stands twice"));
    }
    const auto [found, added] = baselines.emplace(std::make_tuple(GroupOf(result), result.variant), result.baseline);
    if (!added && found->second != result.baseline) {
      return Bad(result.place, absl::StrCat("variant ", result.variant, " is compared with \"", result.baseline,
                                            "\" here and with \"", found->second, "\" above; give one baseline"));
    }
  }
  for (const AblationResult& result : results) {
    if (result.baseline.empty() || baselines.count({GroupOf(result), result.baseline}) > 0) continue;
    return Bad(result.place, absl::StrCat("baseline ", result.baseline, " has no line in table ", result.table,
                                          ", test set ", result.test_set));
  }
  return absl::OkStatus();
}

// The index of every result of VARIANT in GROUP.
std::vector<size_t> SeedsOf(const std::vector<AblationResult>& results, const Group& group,
                            const std::string& variant) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < results.size(); ++i) {
    if (GroupOf(results[i]) == group && results[i].variant == variant) indices.push_back(i);
  }
  return indices;
}

// Every result's sets, with the images in the order of the first result of its test set.
absl::StatusOr<std::vector<std::vector<OutcomeSet>>> AlignSets(const std::vector<AblationResult>& results,
                                                               const std::vector<Outcomes>& outcomes) {
  std::map<std::string, size_t> first_of_test_set;
  std::vector<std::vector<OutcomeSet>> aligned(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    const size_t reference = first_of_test_set.emplace(results[i].test_set, i).first->second;
    for (const OutcomeSet& expected : outcomes[reference].sets) {
      const auto found = absl::c_find_if(outcomes[i].sets, [&](const auto& set) { return set.name == expected.name; });
      const std::string both = absl::StrCat(results[reference].scores, " and ", results[i].scores);
      if (found == outcomes[i].sets.end()) {
        return Bad(results[i].place, absl::StrCat(both, ": only the first has the metric ", expected.name,
                                                  "; score a test set with one tool"));
      }
      absl::StatusOr<OutcomeSet> set = InOrderOf(outcomes[reference], expected, outcomes[i], *found);
      if (!set.ok()) return Bad(results[i].place, absl::StrCat(both, ": ", set.status().message()));
      aligned[i].push_back(*std::move(set));
    }
  }
  return aligned;
}

// The rows of one metric of one group.
class GroupRows {
 public:
  GroupRows(const std::vector<AblationResult>& results, const std::vector<std::vector<OutcomeSet>>& sets,
            const Group& group, size_t metric, const BootstrapOptions& options)
      : results_(results), sets_(sets), group_(group), metric_(metric), options_(options) {}

  AblationRow Make(const std::string& variant) {
    const std::vector<size_t> indices = SeedsOf(results_, group_, variant);
    const OutcomeSet& first = sets_[indices[0]][metric_];
    AblationRow row;
    std::tie(row.table, row.test_set) = group_;
    row.metric = first.name;
    row.variant = variant;
    row.baseline = results_[indices[0]].baseline;
    row.images = static_cast<int64_t>(first.ranking.faces.size());
    row.faces = first.ranking.total_faces();
    for (const size_t i : indices) {
      row.seeds.push_back(results_[i].seed);
      row.values.push_back(Evaluate(sets_[i][metric_]));
    }
    row.mean = Mean(row.values);
    std::vector<double> replicates = ReplicatesOf(variant);
    row.interval = MiddleOf(replicates);
    if (row.baseline.empty()) {
      row.difference = row.p_value = kNotDefined;
      row.difference_interval = {kNotDefined, kNotDefined};
      return row;
    }
    std::vector<double> baseline_values;
    for (const size_t i : SeedsOf(results_, group_, row.baseline)) {
      baseline_values.push_back(Evaluate(sets_[i][metric_]));
    }
    row.difference = row.mean - Mean(baseline_values);
    const std::vector<double>& baseline = ReplicatesOf(row.baseline);
    for (size_t r = 0; r < replicates.size(); ++r) replicates[r] -= baseline[r];
    row.difference_interval = MiddleOf(replicates);
    row.p_value = PValue(std::move(replicates));
    return row;
  }

 private:
  static double Mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }

  const std::vector<double>& ReplicatesOf(const std::string& variant) {
    const auto [found, added] = replicates_.emplace(variant, std::vector<double>());
    if (added) {
      std::vector<const OutcomeSet*> sets;
      for (const size_t i : SeedsOf(results_, group_, variant)) sets.push_back(&sets_[i][metric_]);
      found->second = MeanReplicates(sets, options_);
    }
    return found->second;
  }

  const std::vector<AblationResult>& results_;
  const std::vector<std::vector<OutcomeSet>>& sets_;
  const Group group_;
  const size_t metric_;
  const BootstrapOptions options_;
  std::map<std::string, std::vector<double>> replicates_;
};

// VALUES without repetitions, in the order of first appearance.
template <typename Value>
std::vector<Value> InOrderOfAppearance(const std::vector<Value>& values) {
  std::vector<Value> unique;
  for (const Value& value : values) {
    if (!absl::c_linear_search(unique, value)) unique.push_back(value);
  }
  return unique;
}

std::string MarkdownDifference(const AblationRow& row) {
  if (row.baseline.empty()) return "- | - | -";
  return absl::StrFormat("%s | %+.4f [%+.4f, %+.4f] | %.3f", row.baseline, row.difference, row.difference_interval.low,
                         row.difference_interval.high, row.p_value);
}

// A seed far below another of the same variant is a training that failed, not one of its results: means and differences
// with it say nothing of the method.
std::string FailedSeeds(const AblationRow& row) {
  std::string text;
  const double best = *absl::c_max_element(row.values);
  for (size_t i = 0; i < row.values.size(); ++i) {
    if (!(row.values[i] < 0.5 * best)) continue;
    absl::StrAppendFormat(&text,
                          "\n**%s, %s, %s: seed %d has %.4f, less than half of another seed's %.4f. Did its training "
                          "fail? The mean and the differences of %s say little.**\n",
                          row.test_set, row.metric, row.variant, row.seeds[i], row.values[i], best, row.variant);
  }
  return text;
}

}  // namespace

absl::StatusOr<std::vector<AblationResult>> ParseAblationResults(absl::string_view text, const std::string& place) {
  TextLines lines(text);
  if (!lines.NextFilled() || lines.line() != kAblationHeader) {
    return Bad(place, absl::StrCat("its first line must be ", kAblationHeader));
  }
  std::vector<AblationResult> results;
  while (lines.NextFilled()) {
    AblationResult result;
    result.place = absl::StrCat(place, ":", lines.number());
    const std::vector<std::string> fields = absl::StrSplit(lines.line(), absl::MaxSplits(',', 5));
    if (fields.size() != 6 || fields[0].empty() || fields[1].empty() || fields[2].empty() || fields[5].empty() ||
        !absl::SimpleAtoi(fields[3], &result.seed)) {
      return Bad(result.place, absl::StrCat("expected ", kAblationHeader,
                                            ", the seed a whole number and only the baseline empty; got \"",
                                            lines.line().substr(0, 200), "\""));
    }
    result.table = fields[0];
    result.test_set = fields[1];
    result.variant = fields[2];
    result.baseline = fields[4];
    result.scores = fields[5];
    results.push_back(std::move(result));
  }
  if (results.empty()) return Bad(place, "holds no result; give at least one line below the header");
  RETURN_IF_ERROR(CheckResults(results));
  return results;
}

absl::StatusOr<std::vector<AblationRow>> MakeAblationRows(const std::vector<AblationResult>& results,
                                                          const std::vector<Outcomes>& outcomes,
                                                          const BootstrapOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::vector<OutcomeSet>> sets, AlignSets(results, outcomes));
  std::vector<Group> groups;
  for (const AblationResult& result : results) groups.push_back(GroupOf(result));
  groups = InOrderOfAppearance(groups);
  std::vector<std::string> tables;
  for (const Group& group : groups) tables.push_back(group.first);
  std::vector<AblationRow> rows;
  for (const std::string& table : InOrderOfAppearance(tables)) {
    for (const Group& group : groups) {
      if (group.first != table) continue;
      std::vector<std::string> variants;
      size_t metrics = 0;
      for (size_t i = 0; i < results.size(); ++i) {
        if (GroupOf(results[i]) != group) continue;
        variants.push_back(results[i].variant);
        metrics = sets[i].size();
      }
      for (size_t metric = 0; metric < metrics; ++metric) {
        GroupRows maker(results, sets, group, metric, options);
        for (const std::string& variant : InOrderOfAppearance(variants)) rows.push_back(maker.Make(variant));
      }
    }
  }
  return rows;
}

std::string AblationMarkdown(const std::vector<AblationRow>& rows, const BootstrapOptions& options) {
  std::string text;
  std::string table;
  for (const AblationRow& row : rows) {
    if (row.table != table) {
      absl::StrAppend(
          &text, table.empty() ? "" : "\n", "### ", row.table, "\n\n",
          "| test set (images, faces) | metric | variant | of each seed | mean, 95 % | against | difference, "
          "95 % | p |\n|---|---|---|---|---|---|---|---|\n");
      table = row.table;
    }
    const std::string values = absl::StrJoin(
        row.values, ", ", [](std::string* out, double value) { absl::StrAppend(out, absl::StrFormat("%.4f", value)); });
    absl::StrAppendFormat(&text, "| %s (%d, %d) | %s | %s | %s | %.4f [%.4f, %.4f] | %s |\n", row.test_set, row.images,
                          row.faces, row.metric, row.variant, values, row.mean, row.interval.low, row.interval.high,
                          MarkdownDifference(row));
  }
  absl::StrAppendFormat(
      &text,
      "\nIntervals and p (two-sided): %d resamplings of the images, the same ones for all seeds and for both sides of "
      "a "
      "difference. Seeds are not resampled: how far trainings lie apart is seen in the column of each seed.\n",
      options.replicates);
  for (const AblationRow& row : rows) text += FailedSeeds(row);
  return text;
}

std::string AblationCsv(const std::vector<AblationRow>& rows) {
  std::string text =
      "table,test_set,images,faces,metric,variant,seeds,values,mean,low,high,baseline,difference,difference_low,"
      "difference_high,p\n";
  const auto number = [](double value) { return std::isnan(value) ? "" : absl::StrFormat("%.9g", value); };
  for (const AblationRow& row : rows) {
    const std::string values =
        absl::StrJoin(row.values, ";", [&](std::string* out, double value) { absl::StrAppend(out, number(value)); });
    const std::vector<std::string> fields = {row.table,
                                             row.test_set,
                                             absl::StrCat(row.images),
                                             absl::StrCat(row.faces),
                                             row.metric,
                                             row.variant,
                                             absl::StrJoin(row.seeds, ";"),
                                             values,
                                             number(row.mean),
                                             number(row.interval.low),
                                             number(row.interval.high),
                                             row.baseline,
                                             number(row.difference),
                                             number(row.difference_interval.low),
                                             number(row.difference_interval.high),
                                             number(row.p_value)};
    absl::StrAppend(&text, absl::StrJoin(fields, ","), "\n");
  }
  return text;
}

}  // namespace hardface::eval
