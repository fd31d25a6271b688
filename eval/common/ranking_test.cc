#include "eval/common/ranking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

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

// What stays above THRESHOLD: its false positives.
double FalsePositivesAbove(const std::vector<CurvePoint>& curve, double threshold) {
  double count = 0;
  for (const CurvePoint& point : curve) {
    if (static_cast<float>(point.score) > static_cast<float>(threshold)) count = point.false_positives;
  }
  return count;
}

TEST(Ranking, ThresholdsHoldOnEveryScaleOfScores) {
  // Right, wrong, right, wrong, wrong: on scales of probabilities, percents, logits, all negative, and with a last 0.
  for (const auto& [scale, shift] : std::vector<std::pair<double, double>>{
           {0.1, 0}, {10, 0}, {2, -6.5}, {1, -100}, {0.25, -0.25}, {1e-6, -1e-6}, {1e4, -1e9}}) {
    Ranking ranking;
    for (int i = 5; i > 0; --i) {
      const bool right = i == 5 || i == 3;
      ranking.outcomes.push_back({i * scale + shift, 0, right ? kYes : kNo, right ? kNo : kYes});
    }
    ranking.faces = {2};
    const std::vector<CurvePoint> curve = MakeCurve(ranking, Ties::kTogether);
    for (const double most : {0, 1, 2, 3, 7}) {
      const double threshold = ThresholdAtFalsePositives(curve, most);
      EXPECT_EQ(FalsePositivesAbove(curve, threshold), std::min(most, 3.0))
          << scale << " " << shift << " " << threshold;
      if (most >= 3) {
        EXPECT_LT(threshold, curve.back().score);
      }
    }
    for (size_t last = 0; last < curve.size(); ++last) {
      EXPECT_EQ(FalsePositivesAbove(curve, ThresholdBehind(curve, last)), curve[last].false_positives);
    }
  }
  EXPECT_EQ(ThresholdAtFalsePositives({}, 1), 0);
}

TEST(Ranking, ThresholdsTellNeighbouringFloatsApart) {
  for (const float upper : {0.7f, 1.0f, 3.0f, -2.5f}) {
    const float lower = std::nextafter(upper, -10.0f);
    const Ranking ranking{{{upper, 0, kYes, kNo}, {lower, 0, kNo, kYes}}, {1}};
    const std::vector<CurvePoint> curve = MakeCurve(ranking, Ties::kTogether);
    EXPECT_EQ(FalsePositivesAbove(curve, ThresholdAtFalsePositives(curve, 0)), 0) << upper;
    EXPECT_GT(upper, static_cast<float>(ThresholdAtFalsePositives(curve, 0))) << upper;
  }
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

// Many detections of few scores, each right with the probability SHARE.
Ranking MadeRanking(int detections, double share, uint32_t seed) {
  std::mt19937 random(seed);
  Ranking ranking;
  ranking.faces = {detections};
  for (int i = 0; i < detections; ++i) {
    const bool right = std::uniform_real_distribution<>(0, 1)(random) < share;
    const double score = std::uniform_int_distribution<>(0, detections / 2)(random);
    ranking.outcomes.push_back({score, 0, right ? kYes : kNo, right ? kNo : kYes});
  }
  ranking.Sort();
  return ranking;
}

TEST(CurveCorners, HoldTheWholeCurveInFewPoints) {
  for (const int detections : {0, 1, 2, 3, 50, 1000}) {
    for (const double share : {0.0, 0.05, 0.5, 1.0}) {
      const Ranking ranking = MadeRanking(detections, share, static_cast<uint32_t>(detections));
      CurveCorners corners(ranking.total_faces());
      size_t right = 0;
      for (const Outcome& outcome : ranking.outcomes) {
        corners.Add(outcome.score, outcome.true_positives > 0);
        right += outcome.true_positives > 0;
      }
      const std::vector<CurvePoint> few = std::move(corners).Points(), all = MakeCurve(ranking, Ties::kApart);
      EXPECT_LE(few.size(), 2 * right + 2);
      EXPECT_EQ(CurveToCsv("a", few, CurvePoints::kCorners), CurveToCsv("a", all, CurvePoints::kCorners));
      EXPECT_EQ(CurveToCsv("a", few, CurvePoints::kAll), CurveToCsv("a", few, CurvePoints::kCorners));
      EXPECT_EQ(AllPointAp(few), AllPointAp(all)) << "to the last bit";
    }
  }
}

TEST(TiesTogether, GivesTheCurvePointByPoint) {
  for (const int detections : {0, 1, 30, 500}) {
    const Ranking ranking = MadeRanking(detections, 0.3, 7);
    std::vector<CurvePoint> points;
    TiesTogether together(ranking.total_faces(), [&](const CurvePoint& point) { points.push_back(point); });
    for (const Outcome& outcome : ranking.outcomes) together.Add(outcome.score, outcome.true_positives > 0);
    together.Finish();
    EXPECT_EQ(CurveToCsv("a", points, CurvePoints::kAll),
              CurveToCsv("a", MakeCurve(ranking, Ties::kTogether), CurvePoints::kAll));
  }
}

}  // namespace
}  // namespace hardface::eval
