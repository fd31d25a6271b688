#include "eval/common/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace hardface::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool AreProbabilities(const Ranking& ranking) {
  return std::all_of(ranking.outcomes.begin(), ranking.outcomes.end(),
                     [](const Outcome& outcome) { return outcome.score >= 0 && outcome.score <= 1; });
}

// Of a score that may be 0 or 1 by rounding.
double Logit(double score) {
  constexpr double kLeast = 1e-8;
  const double inside = std::clamp(score, kLeast, 1 - kLeast);
  return std::log(inside / (1 - inside));
}

// Negative log-likelihood of sigmoid(slope * logit + offset), its gradient and its second derivatives.
struct Fit {
  double loss = 0, slope = 0, offset = 0, slope2 = 0, both = 0, offset2 = 0;
};

Fit Evaluate(const Ranking& ranking, double slope, double offset, double target_right, double target_wrong) {
  Fit fit;
  const auto add = [&](double x, double weight, double target) {
    if (weight == 0) return;
    const double z = slope * x + offset;
    const double p = 1 / (1 + std::exp(-z));
    // log(1 + exp(z)) - target * z, without overflow.
    fit.loss += weight * (std::max(z, 0.0) + std::log1p(std::exp(-std::fabs(z))) - target * z);
    const double error = weight * (p - target), curvature = weight * p * (1 - p);
    fit.slope += error * x;
    fit.offset += error;
    fit.slope2 += curvature * x * x;
    fit.both += curvature * x;
    fit.offset2 += curvature;
  };
  for (const Outcome& outcome : ranking.outcomes) {
    const double x = Logit(outcome.score);
    add(x, outcome.true_positives, target_right);
    add(x, outcome.false_positives, target_wrong);
  }
  return fit;
}

}  // namespace

Calibration FitCalibration(const Ranking& ranking) {
  double right = 0, wrong = 0;
  for (const Outcome& outcome : ranking.outcomes) {
    right += outcome.true_positives;
    wrong += outcome.false_positives;
  }
  if (right == 0 || wrong == 0 || !AreProbabilities(ranking)) return {kNone, kNone};
  const double target_right = (right + 1) / (right + 2), target_wrong = 1 / (wrong + 2);
  double slope = 1, offset = 0;
  Fit fit = Evaluate(ranking, slope, offset, target_right, target_wrong);
  // Newton's method; a step that does not lower the loss is halved.
  for (int step = 0; step < 100; ++step) {
    constexpr double kRidge = 1e-10;
    const double a = fit.slope2 + kRidge, d = fit.offset2 + kRidge, determinant = a * d - fit.both * fit.both;
    const double slope_step = (d * fit.slope - fit.both * fit.offset) / determinant;
    const double offset_step = (a * fit.offset - fit.both * fit.slope) / determinant;
    double factor = 1;
    Fit next;
    for (; factor > 1e-10; factor /= 2) {
      next = Evaluate(ranking, slope - factor * slope_step, offset - factor * offset_step, target_right, target_wrong);
      if (next.loss < fit.loss) break;
    }
    if (factor <= 1e-10) break;
    slope -= factor * slope_step;
    offset -= factor * offset_step;
    fit = next;
  }
  if (slope <= 0) return {kNone, kNone};
  return {1 / slope, -offset / slope};
}

double CalibrationError(const Ranking& ranking) {
  struct Bin {
    double count = 0, right = 0, score = 0;
  };
  if (!AreProbabilities(ranking)) return kNone;
  std::array<Bin, 10> bins;
  double count = 0;
  for (const Outcome& outcome : ranking.outcomes) {
    Bin& bin = bins[std::min<size_t>(static_cast<size_t>(outcome.score * bins.size()), bins.size() - 1)];
    const double weight = outcome.true_positives + outcome.false_positives;
    bin.count += weight;
    bin.right += outcome.true_positives;
    bin.score += weight * outcome.score;
    count += weight;
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::fabs(bin.right - bin.score);
  return count > 0 ? error / count : kNone;
}

}  // namespace hardface::eval
