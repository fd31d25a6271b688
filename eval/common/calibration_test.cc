#include "eval/common/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "absl/functional/function_ref.h"

namespace hardface::eval {
namespace {

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

struct Detections {
  double score, right, wrong;
};
using Outcomes = std::vector<Detections>;

auto Each(const Outcomes& outcomes) {
  return [&outcomes](absl::FunctionRef<void(double, double, double)> take) {
    for (const Detections& of_score : outcomes) take(of_score.score, of_score.right, of_score.wrong);
  };
}

Calibration Fit(const Outcomes& outcomes) { return FitCalibration(Each(outcomes)); }
double ErrorOf(const Outcomes& outcomes) { return CalibrationError(Each(outcomes)); }

// Detections of many scores, each right as often as sigmoid((logit - shift) / temperature) says.
Outcomes Made(double temperature, double shift) {
  Outcomes outcomes;
  for (double logit = 6; logit > -6; logit -= 0.25) {
    const double truth = Sigmoid((logit - shift) / temperature);
    outcomes.push_back({Sigmoid(logit), 1000 * truth, 1000 * (1 - truth)});
  }
  return outcomes;
}

TEST(CalibrationTest, FindsWhatTheScoresWereMadeWith) {
  const Calibration calibration = Fit(Made(2.5, 1.5));
  EXPECT_NEAR(calibration.temperature, 2.5, 0.01);
  EXPECT_NEAR(calibration.shift, 1.5, 0.01);
}

// Near the end the loss falls by its rounding only; halving the step then costs more than all the rest.
TEST(CalibrationTest, GoesThroughTheDetectionsAFewTimesOnly) {
  const Outcomes outcomes = Made(2.5, 1.5);
  int times = 0;
  const auto each = Each(outcomes);
  FitCalibration([&](absl::FunctionRef<void(double, double, double)> take) {
    ++times;
    each(take);
  });
  EXPECT_LT(times, 15);
}

TEST(CalibrationTest, OfTrueScoresChangesNothing) {
  const Calibration calibration = Fit(Made(1, 0));
  EXPECT_NEAR(calibration.temperature, 1, 0.01);
  EXPECT_NEAR(calibration.shift, 0, 0.01);
  EXPECT_NEAR(ErrorOf(Made(1, 0)), 0, 1e-9);
}

TEST(CalibrationTest, ErrorIsTheMeanDistanceOfScoreAndPrecision) {
  Outcomes outcomes;
  outcomes = {{0.95, 1, 0}, {0.92, 0, 1}, {0.25, 0, 1}, {0.25, 1, 0}};
  // Two in the highest bin: |1 - 1.87|; two in the third: |1 - 0.5|.
  EXPECT_NEAR(ErrorOf(outcomes), (0.87 + 0.5) / 4, 1e-9);
}

TEST(CalibrationTest, IsFiniteWhereScoresMakeNoMistake) {
  Outcomes outcomes;
  outcomes = {{1, 1, 0}, {0.9, 1, 0}, {0.8, 1, 0}, {0.2, 0, 1}, {0, 0, 1}};
  const Calibration calibration = Fit(outcomes);
  EXPECT_GT(calibration.temperature, 0);
  EXPECT_TRUE(std::isfinite(calibration.temperature));
  EXPECT_TRUE(std::isfinite(calibration.shift));
}

TEST(CalibrationTest, WithNothingToMeasureThereIsNone) {
  Outcomes outcomes;
  EXPECT_TRUE(std::isnan(Fit(outcomes).temperature));
  EXPECT_TRUE(std::isnan(ErrorOf(outcomes)));
  outcomes = {{0.9, 1, 0}};
  EXPECT_TRUE(std::isnan(Fit(outcomes).temperature)) << "no false positive";
  outcomes = {{7.5, 1, 0}, {-2, 0, 1}};
  EXPECT_TRUE(std::isnan(Fit(outcomes).shift)) << "logits";
  EXPECT_TRUE(std::isnan(ErrorOf(outcomes)));
  outcomes = {{0.9, 0, 100}, {0.1, 100, 0}};
  EXPECT_TRUE(std::isnan(Fit(outcomes).temperature)) << "high scores are worse ones";
}

}  // namespace
}  // namespace hardface::eval
