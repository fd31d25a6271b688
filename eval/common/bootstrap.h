// How sure a figure is: percentile bootstrap over images (Efron), and the paired form for two results of the same
// images.
#ifndef HARDFACE_EVAL_COMMON_BOOTSTRAP_H_
#define HARDFACE_EVAL_COMMON_BOOTSTRAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"

namespace hardface::eval {

struct BootstrapOptions {
  int replicates = 1000;
  uint64_t seed = 1;
  int threads = 0;  // the result does not depend on it
};

// The middle 95 % of a figure over resampled sets of images.
struct Interval {
  double low = 0, high = 0;  // NaN when no replicate has a face
};

// Images drawn with replacement, as many as there are: how often each is drawn in replicate REPLICATE.
std::vector<int> ResampleImages(int64_t images, uint64_t seed, int replicate);

// The mean of a figure over SETS, results of the same images in the same order (one training with several seeds): its
// value on every replicate. Replicate r draws the same images whatever the sets, so that two means can be subtracted.
std::vector<double> MeanReplicates(const std::vector<const OutcomeSet*>& sets, const BootstrapOptions& options);
// The middle 95 % of VALUES, without those that are not defined.
Interval MiddleOf(std::vector<double> values);
// Of differences on every replicate: two-sided, by the share beyond 0; at least 1 / (replicates + 1).
double PValue(std::vector<double> differences);

Interval BootstrapInterval(const OutcomeSet& set, const BootstrapOptions& options);

// Adds NAME_low and NAME_high for every set.
void AddIntervals(const std::vector<OutcomeSet>& sets, const BootstrapOptions& options, Metrics* metrics);

// SET, one of OTHER's, with its images in the order of REFERENCE, as REFERENCE_SET has them. Errors: other images or
// faces than there.
absl::StatusOr<OutcomeSet> InOrderOf(const Outcomes& reference, const OutcomeSet& reference_set, const Outcomes& other,
                                     OutcomeSet set);

// B - A on the same images.
struct PairedDifference {
  std::string name;
  double a = 0, b = 0, difference = 0;
  Interval interval;   // of the difference
  double p_value = 1;  // as PValue
};

// Compares the sets of equal name. Errors: other images or faces in A than in B, no set in common.
absl::StatusOr<std::vector<PairedDifference>> ComparePaired(const Outcomes& a, const Outcomes& b,
                                                            const BootstrapOptions& options);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_BOOTSTRAP_H_
