#include "eval/common/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hardface::eval {
namespace {

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// Detections of many scores, each right as often as sigmoid((logit - shift) / temperature) says.
Ranking RankingOf(double temperature, double shift) {
  Ranking ranking;
  ranking.faces = {1000};
  for (double logit = 6; logit > -6; logit -= 0.25) {
    const double truth = Sigmoid((logit - shift) / temperature);
    ranking.outcomes.push_back({Sigmoid(logit), 0, 1000 * truth, 1000 * (1 - truth)});
  }
  return ranking;
}

TEST(CalibrationTest, FindsWhatTheScoresWereMadeWith) {
  const Calibration calibration = FitCalibration(RankingOf(2.5, 1.5));
  EXPECT_NEAR(calibration.temperature, 2.5, 0.01);
  EXPECT_NEAR(calibration.shift, 1.5, 0.01);
}

TEST(CalibrationTest, OfTrueScoresChangesNothing) {
  const Calibration calibration = FitCalibration(RankingOf(1, 0));
  EXPECT_NEAR(calibration.temperature, 1, 0.01);
  EXPECT_NEAR(calibration.shift, 0, 0.01);
  EXPECT_NEAR(CalibrationError(RankingOf(1, 0)), 0, 1e-9);
}

TEST(CalibrationTest, ErrorIsTheMeanDistanceOfScoreAndPrecision) {
  Ranking ranking;
  ranking.faces = {10};
  ranking.outcomes = {{0.95, 0, 1, 0}, {0.92, 0, 0, 1}, {0.25, 0, 0, 1}, {0.25, 0, 1, 0}};
  // Two in the highest bin: |1 - 1.87|; two in the third: |1 - 0.5|.
  EXPECT_NEAR(CalibrationError(ranking), (0.87 + 0.5) / 4, 1e-9);
}

TEST(CalibrationTest, IsFiniteWhereScoresMakeNoMistake) {
  Ranking ranking;
  ranking.faces = {3};
  ranking.outcomes = {{1, 0, 1, 0}, {0.9, 0, 1, 0}, {0.8, 0, 1, 0}, {0.2, 0, 0, 1}, {0, 0, 0, 1}};
  const Calibration calibration = FitCalibration(ranking);
  EXPECT_GT(calibration.temperature, 0);
  EXPECT_TRUE(std::isfinite(calibration.temperature));
  EXPECT_TRUE(std::isfinite(calibration.shift));
}

TEST(CalibrationTest, WithNothingToMeasureThereIsNone) {
  Ranking ranking;
  ranking.faces = {3};
  EXPECT_TRUE(std::isnan(FitCalibration(ranking).temperature));
  EXPECT_TRUE(std::isnan(CalibrationError(ranking)));
  ranking.outcomes = {{0.9, 0, 1, 0}};
  EXPECT_TRUE(std::isnan(FitCalibration(ranking).temperature)) << "no false positive";
  ranking.outcomes = {{7.5, 0, 1, 0}, {-2, 0, 0, 1}};
  EXPECT_TRUE(std::isnan(FitCalibration(ranking).shift)) << "logits";
  EXPECT_TRUE(std::isnan(CalibrationError(ranking)));
  ranking.outcomes = {{0.9, 0, 0, 100}, {0.1, 0, 100, 0}};
  EXPECT_TRUE(std::isnan(FitCalibration(ranking).temperature)) << "high scores are worse ones";
}

}  // namespace
}  // namespace hardface::eval
