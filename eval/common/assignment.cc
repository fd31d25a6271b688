#include "eval/common/assignment.h"

#include <limits>
#include <utility>

namespace hardface::eval {
namespace {

// Differences below this are rounding: total weights are sums of a few quotients of pixel counts.
constexpr double kEpsilon = 1e-12;
constexpr double kUnreached = -std::numeric_limits<double>::infinity();

}  // namespace

void Assignment::Add(std::vector<double> weights) {
  const int newcomer = static_cast<int>(weights_.size());
  const int faces = static_cast<int>(partner_.size());
  weights_.push_back(std::move(weights));

  // gain[f]: the best change of total weight when face f goes to another detection and its own one is left without.
  // from[f]: the face that f's new detection gives up; -1: the newcomer takes f.
  std::vector<double> gain(faces, kUnreached);
  std::vector<int> from(faces, -1);
  for (int f = 0; f < faces; ++f) {
    if (weights_[newcomer][f] > 0) gain[f] = weights_[newcomer][f] - PairWeight(f);
  }
  bool changed = true;
  for (int round = 0; changed && round < faces; ++round) {
    changed = false;
    for (int f = 0; f < faces; ++f) {
      if (gain[f] == kUnreached || partner_[f] < 0) continue;
      for (int next = 0; next < faces; ++next) {
        const double weight = weights_[partner_[f]][next];
        if (next == f || weight <= 0 || gain[f] + weight - PairWeight(next) <= gain[next] + kEpsilon) continue;
        gain[next] = gain[f] + weight - PairWeight(next);
        from[next] = f;
        changed = true;
      }
    }
  }

  int end = -1;
  double best = kEpsilon;
  for (int f = 0; f < faces; ++f) {
    if (gain[f] <= best) continue;
    best = gain[f];
    end = f;
  }
  while (end >= 0) {
    const int previous = from[end];
    partner_[end] = previous < 0 ? newcomer : partner_[previous];
    end = previous;
  }
}

}  // namespace hardface::eval
