#include "eval/common/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace hardface::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool AreProbabilities(ForEachOutcome outcomes) {
  bool all = true;
  outcomes([&](double score, double, double) { all = all && score >= 0 && score <= 1; });
  return all;
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

Fit Evaluate(ForEachOutcome outcomes, double slope, double offset, double target_right, double target_wrong) {
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
  outcomes([&](double score, double right, double wrong) {
    const double x = Logit(score);
    add(x, right, target_right);
    add(x, wrong, target_wrong);
  });
  return fit;
}

}  // namespace

Calibration FitCalibration(ForEachOutcome outcomes) {
  double right = 0, wrong = 0;
  outcomes([&](double, double is_right, double is_wrong) {
    right += is_right;
    wrong += is_wrong;
  });
  if (right == 0 || wrong == 0 || !AreProbabilities(outcomes)) return {kNone, kNone};
  const double target_right = (right + 1) / (right + 2), target_wrong = 1 / (wrong + 2);
  double slope = 1, offset = 0;
  Fit fit = Evaluate(outcomes, slope, offset, target_right, target_wrong);
  // Newton's method; a step that does not lower the loss is halved.
  for (int step = 0; step < 100; ++step) {
    constexpr double kRidge = 1e-10;
    const double a = fit.slope2 + kRidge, d = fit.offset2 + kRidge, determinant = a * d - fit.both * fit.both;
    const double slope_step = (d * fit.slope - fit.both * fit.offset) / determinant;
    const double offset_step = (a * fit.offset - fit.both * fit.slope) / determinant;
    // Once the loss can fall by its rounding only, no halved step would be seen to lower it, and each costs a look at
    // all detections. The whole step ends it: Newton's error is squared by it.
    constexpr double kRounding = 1e-12;
    if (slope_step * fit.slope + offset_step * fit.offset < kRounding * fit.loss) {
      slope -= slope_step;
      offset -= offset_step;
      break;
    }
    double factor = 1;
    Fit next;
    for (; factor > 1e-10; factor /= 2) {
      next = Evaluate(outcomes, slope - factor * slope_step, offset - factor * offset_step, target_right, target_wrong);
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

double CalibrationError(ForEachOutcome outcomes) {
  struct Bin {
    double count = 0, right = 0, score = 0;
  };
  if (!AreProbabilities(outcomes)) return kNone;
  std::array<Bin, 10> bins;
  double count = 0;
  outcomes([&](double score, double right, double wrong) {
    Bin& bin = bins[std::min<size_t>(static_cast<size_t>(score * bins.size()), bins.size() - 1)];
    const double weight = right + wrong;
    bin.count += weight;
    bin.right += right;
    bin.score += weight * score;
    count += weight;
  });
  double error = 0;
  for (const Bin& bin : bins) error += std::fabs(bin.right - bin.score);
  return count > 0 ? error / count : kNone;
}

}  // namespace hardface::eval
