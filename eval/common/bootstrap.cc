#include "eval/common/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/status_macros.h"

namespace hardface::eval {
namespace {

// In rising order, without those that are not defined.
std::vector<double> SortedDefined(std::vector<double> values) {
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

PairedDifference Compare(const OutcomeSet& a, const OutcomeSet& b, const BootstrapOptions& options) {
  PairedDifference result;
  result.name = a.name;
  result.a = Evaluate(a);
  result.b = Evaluate(b);
  result.difference = result.b - result.a;
  std::vector<double> differences = MeanReplicates({&b}, options);
  const std::vector<double> subtrahends = MeanReplicates({&a}, options);
  for (size_t i = 0; i < differences.size(); ++i) differences[i] -= subtrahends[i];
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

std::vector<double> MeanReplicates(const std::vector<const OutcomeSet*>& sets, const BootstrapOptions& options) {
  HARDFACE_CHECK(!sets.empty());
  const auto images = static_cast<int64_t>(sets[0]->ranking.faces.size());
  std::vector<double> means(static_cast<size_t>(options.replicates));
  ParallelFor(options.replicates, options.threads, [&](int64_t i) {
    const std::vector<int> weights = ResampleImages(images, options.seed, static_cast<int>(i));
    double sum = 0;
    for (const OutcomeSet* set : sets) sum += Evaluate(*set, weights);
    means[static_cast<size_t>(i)] = sum / static_cast<double>(sets.size());
  });
  return means;
}

Interval MiddleOf(std::vector<double> values) {
  const std::vector<double> sorted = SortedDefined(std::move(values));
  return {Quantile(sorted, 0.025), Quantile(sorted, 0.975)};
}

double PValue(std::vector<double> differences) {
  const std::vector<double> sorted = SortedDefined(std::move(differences));
  const auto count = static_cast<double>(sorted.size());
  const auto not_above = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin());
  const auto below = static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin());
  return std::min(1.0, 2 * (std::min(not_above, count - below) + 1) / (count + 1));
}

Interval BootstrapInterval(const OutcomeSet& set, const BootstrapOptions& options) {
  return MiddleOf(MeanReplicates({&set}, options));
}

absl::StatusOr<OutcomeSet> InOrderOf(const Outcomes& reference, const OutcomeSet& reference_set, const Outcomes& other,
                                     OutcomeSet set) {
  absl::flat_hash_map<std::string, int32_t> index;
  for (size_t i = 0; i < reference.images.size(); ++i) {
    index.emplace(reference.images[i], static_cast<int32_t>(i));
  }
  std::vector<int32_t> target(other.images.size());
  std::vector<int64_t> faces(reference.images.size());
  for (size_t i = 0; i < other.images.size(); ++i) {
    const auto found = index.find(other.images[i]);
    if (found == index.end() || reference.images.size() != other.images.size() ||
        reference_set.ranking.faces[found->second] != set.ranking.faces[i]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the results are not of the same images and faces (", reference.images.size(), " and ", other.images.size(),
          " images; they differ at ", other.images[i], "); score both on the same ground truth"));
    }
    target[i] = found->second;
    faces[found->second] = set.ranking.faces[i];
  }
  for (Outcome& outcome : set.ranking.outcomes) outcome.image = target[outcome.image];
  set.ranking.faces = std::move(faces);
  return set;
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
    ASSIGN_OR_RETURN(const OutcomeSet same_order, InOrderOf(a, set, b, *other));
    differences.push_back(Compare(set, same_order, options));
  }
  if (!differences.empty()) return differences;
  return absl::InvalidArgumentError("the two results have no metric in common; score both with the same tool");
}

}  // namespace hardface::eval
