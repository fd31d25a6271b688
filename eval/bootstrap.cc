#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "data_tools/base/parallel.h"
#include "data_tools/base/random.h"
#include "data_tools/base/status_macros.h"

namespace hardface {
namespace {

// STATISTIC of every replicate, without those that are not defined; sorted.
std::vector<double> Replicates(int64_t images, const BootstrapOptions& options,
                               const std::function<double(absl::Span<const int>)>& statistic) {
  std::vector<double> values(options.replicates);
  ParallelFor(options.replicates, options.threads,
              [&](int64_t i) { values[i] = statistic(ResampleImages(images, options.seed, static_cast<int>(i))); });
  values.erase(std::remove_if(values.begin(), values.end(), [](double value) { return std::isnan(value); }),
               values.end());
  std::sort(values.begin(), values.end());
  return values;
}

// Linear between the order statistics.
double Quantile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval MiddleOf(const std::vector<double>& sorted) { return {Quantile(sorted, 0.025), Quantile(sorted, 0.975)}; }

double PValue(const std::vector<double>& sorted) {
  const auto count = static_cast<double>(sorted.size());
  const auto not_above = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin());
  const auto below = static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin());
  return std::min(1.0, 2 * (std::min(not_above, count - below) + 1) / (count + 1));
}

// B's set with its images in A's order.
absl::StatusOr<OutcomeSet> Reordered(const Outcomes& a, const OutcomeSet& a_set, const Outcomes& b, OutcomeSet set) {
  absl::flat_hash_map<std::string, int32_t> index;
  for (size_t i = 0; i < a.images.size(); ++i) index.emplace(a.images[i], static_cast<int32_t>(i));
  std::vector<int32_t> target(b.images.size());
  std::vector<int64_t> faces(a.images.size());
  for (size_t i = 0; i < b.images.size(); ++i) {
    const auto found = index.find(b.images[i]);
    if (found == index.end() || a.images.size() != b.images.size() ||
        a_set.ranking.faces[found->second] != set.ranking.faces[i]) {
      return absl::InvalidArgumentError(
          absl::StrCat("the results are not of the same images and faces (", a.images.size(), " and ", b.images.size(),
                       " images; they differ at ", b.images[i], "); score both on the same ground truth"));
    }
    target[i] = found->second;
    faces[found->second] = set.ranking.faces[i];
  }
  for (Outcome& outcome : set.ranking.outcomes) outcome.image = target[outcome.image];
  set.ranking.faces = std::move(faces);
  return set;
}

PairedDifference Compare(const OutcomeSet& a, const OutcomeSet& b, const BootstrapOptions& options) {
  PairedDifference result;
  result.name = a.name;
  result.a = Evaluate(a);
  result.b = Evaluate(b);
  result.difference = result.b - result.a;
  const std::vector<double> differences =
      Replicates(static_cast<int64_t>(a.ranking.faces.size()), options,
                 [&](absl::Span<const int> weights) { return Evaluate(b, weights) - Evaluate(a, weights); });
  result.interval = MiddleOf(differences);
  result.p_value = PValue(differences);
  return result;
}

}  // namespace

std::vector<int> ResampleImages(int64_t images, uint64_t seed, int replicate) {
  Random random({seed, static_cast<uint64_t>(replicate)});
  std::vector<int> weights(images, 0);
  for (int64_t i = 0; i < images; ++i) ++weights[random.Index(images)];
  return weights;
}

Interval BootstrapInterval(const OutcomeSet& set, const BootstrapOptions& options) {
  return MiddleOf(Replicates(static_cast<int64_t>(set.ranking.faces.size()), options,
                             [&](absl::Span<const int> weights) { return Evaluate(set, weights); }));
}

void AddIntervals(const std::vector<OutcomeSet>& sets, const BootstrapOptions& options, Metrics* metrics) {
  if (options.replicates <= 0) return;
  for (const OutcomeSet& set : sets) {
    const Interval interval = BootstrapInterval(set, options);
    (*metrics)[set.name + "_low"] = interval.low;
    (*metrics)[set.name + "_high"] = interval.high;
  }
  (*metrics)["bootstrap"] = options.replicates;
}

absl::StatusOr<std::vector<PairedDifference>> ComparePaired(const Outcomes& a, const Outcomes& b,
                                                            const BootstrapOptions& options) {
  std::vector<PairedDifference> differences;
  for (const OutcomeSet& set : a.sets) {
    const auto other =
        std::find_if(b.sets.begin(), b.sets.end(), [&](const OutcomeSet& known) { return known.name == set.name; });
    if (other == b.sets.end()) continue;
    ASSIGN_OR_RETURN(const OutcomeSet same_order, Reordered(a, set, b, *other));
    differences.push_back(Compare(set, same_order, options));
  }
  if (!differences.empty()) return differences;
  return absl::InvalidArgumentError("the two results have no metric in common; score both with the same tool");
}

}  // namespace hardface
