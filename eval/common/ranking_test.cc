#include "eval/common/ranking.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hardface::eval {
namespace {

constexpr double kYes = 1, kNo = 0;

// Two images with 3 and 1 faces; right, wrong, right, right.
Ranking Example() {
  return {{{0.9, 0, kYes, kNo}, {0.8, 1, kNo, kYes}, {0.7, 1, kYes, kNo}, {0.6, 0, kYes, kNo}}, {3, 1}};
}

TEST(Ranking, CurveCountsDownTheScores) {
  const std::vector<CurvePoint> curve = MakeCurve(Example(), Ties::kApart);
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_DOUBLE_EQ(curve[1].recall, 0.25);
  EXPECT_DOUBLE_EQ(curve[1].precision, 0.5);
  EXPECT_DOUBLE_EQ(curve[3].recall, 0.75);
  EXPECT_DOUBLE_EQ(curve[3].precision, 0.75);
  EXPECT_DOUBLE_EQ(curve[3].false_positives, 1);
}

TEST(Ranking, ApTakesTheBestPrecisionAtHigherRecall) {
  // Recall 0..1/4 at precision 1; 1/4..3/4 at 3/4 (2/3 at recall 1/2 is lifted to 3/4).
  EXPECT_DOUBLE_EQ(AveragePrecision(Example(), Ties::kApart), 0.25 + 0.5 * 0.75);
}

TEST(Ranking, ApIsZeroWithoutOutcomesAndUndefinedWithoutFaces) {
  EXPECT_EQ(AveragePrecision({{}, {2}}, Ties::kApart), 0);
  EXPECT_TRUE(std::isnan(AveragePrecision({{{0.5, 0, kNo, kYes}}, {0}}, Ties::kApart)));
}

TEST(Ranking, LeadingPointsWithoutDetectionsDoNotSpoilAp) {
  // The WIDER protocol has thresholds that no detection reaches: precision 0/0.
  Ranking ranking = Example();
  ranking.outcomes.insert(ranking.outcomes.begin(), {1.0, 0, kNo, kNo});
  EXPECT_DOUBLE_EQ(AveragePrecision(ranking, Ties::kApart), 0.625);
}

TEST(Ranking, EqualScoresAreOnePointTogetherAndKeepTheirOrderApart) {
  const Ranking ranking{{{0.5, 0, kYes, kNo}, {0.5, 0, kNo, kYes}}, {1}};
  EXPECT_DOUBLE_EQ(AveragePrecision(ranking, Ties::kApart), 1.0);
  EXPECT_DOUBLE_EQ(AveragePrecision(ranking, Ties::kTogether), 0.5);
}

TEST(Ranking, SortIsStable) {
  Ranking ranking{{{0.1, 0, 1, 0}, {0.5, 1, 1, 0}, {0.5, 2, 1, 0}, {0.9, 3, 1, 0}}, {1, 1, 1, 1}};
  ranking.Sort();
  const int expected[] = {3, 1, 2, 0};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ranking.outcomes[i].image, expected[i]);
}

TEST(Ranking, WeightsRepeatImages) {
  // Image 0 twice, image 1 never: 6 faces, 2 + 2 found, no false positive.
  const int weights[] = {2, 0};
  EXPECT_DOUBLE_EQ(AveragePrecision(Example(), Ties::kApart, weights), 4.0 / 6);
}

TEST(Ranking, RecallAtFalsePositivesOnlyCountsReachableThresholds) {
  // At score 0.5 a right and a wrong one come together: with no false positive allowed only the first face is found.
  const Ranking ranking{{{0.9, 0, kYes, kNo}, {0.5, 0, kYes, kNo}, {0.5, 0, kNo, kYes}}, {2}};
  const std::vector<CurvePoint> curve = MakeCurve(ranking, Ties::kTogether);
  EXPECT_DOUBLE_EQ(RecallAtFalsePositives(curve, 0), 0.5);
  EXPECT_DOUBLE_EQ(RecallAtFalsePositives(curve, 1), 1.0);
}

TEST(Ranking, CsvKeepsTheCorners) {
  // Right, three wrong, right, two wrong: the middle wrong ones carry nothing.
  const Ranking ranking{
      {{7, 0, 1, 0}, {6, 0, 0, 1}, {5, 0, 0, 1}, {4, 0, 0, 1}, {3, 0, 1, 0}, {2, 0, 0, 1}, {1, 0, 0, 1}}, {2}};
  EXPECT_EQ(CurveToCsv("a", MakeCurve(ranking, Ties::kApart), CurvePoints::kCorners),
            "a,7,0.5,1,1,0\n"
            "a,4,0.5,0.25,1,3\n"
            "a,3,1,0.40000000000000002,2,3\n"
            "a,1,1,0.2857142857142857,2,5\n");
}

}  // namespace
}  // namespace hardface::eval
