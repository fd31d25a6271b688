// The assignment of faces and detections as FDDB's official tool finds it: Kuhn's Hungarian method ("The Hungarian
// method for the assignment problem", 1955, Routines I and II) with the tool's way of ending.
#ifndef HARDFACE_EVAL_COMMON_KUHN_ASSIGNMENT_H_
#define HARDFACE_EVAL_COMMON_KUHN_ASSIGNMENT_H_

#include <vector>

#include "absl/types/span.h"

namespace hardface::eval {

// WEIGHTS[face][detection] >= 0. Returns the weights above 0 of the pairs found.
//
// What sets the tool apart from a true maximum, and is reproduced: the dual step treats every row of zero dual as a
// reason to change the columns, essential rows too; the work ends when no uncovered pair has slack left, even if faces
// that could still be paired are without a pair; and a row without a pair counts as paired with the first column.
// Rows of DETECTIONS weights, for callers that keep them.
std::vector<double> KuhnPairWeights(absl::Span<const double* const> weights, int detections);
std::vector<double> KuhnPairWeights(const std::vector<std::vector<double>>& weights);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_KUHN_ASSIGNMENT_H_
