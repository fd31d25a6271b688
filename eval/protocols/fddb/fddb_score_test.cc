#include "eval/protocols/fddb/fddb_score.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace hardface::eval {
namespace {

FddbRegion Box(double x, double y, double w, double h, double score = 1) {
  FddbRegion region;
  region.x = x;
  region.y = y;
  region.w = w;
  region.h = h;
  region.score = score;
  return region;
}

FddbRegion Ellipse(double major, double minor, double angle, double x, double y) {
  FddbRegion region;
  region.is_ellipse = true;
  region.major = major;
  region.minor = minor;
  region.angle = angle;
  region.center_x = x;
  region.center_y = y;
  return region;
}

double IouOf(const FddbRegion& a, const FddbRegion& b, PixelSize size = {100, 100}) {
  return FddbIous({a}, {b}, size)[0][0];
}

TEST(FddbIous, RectanglesIncludeBothCorners) {
  // Columns 0..10 and 5..15 of 11 rows: 6 of 16 columns are common.
  EXPECT_DOUBLE_EQ(IouOf(Box(0, 0, 10, 10), Box(5, 0, 10, 10)), 6.0 / 16);
  EXPECT_EQ(IouOf(Box(0, 0, 10, 10), Box(11, 0, 10, 10)), 0);
}

TEST(FddbIous, CornersAreRoundedHalfToEven) {
  // 0.5 -> 0 and 10.5 -> 10; 1.5 -> 2 and 11.5 -> 12.
  EXPECT_DOUBLE_EQ(IouOf(Box(0, 0, 10, 10), Box(0.5, 0, 10, 10)), 1);
  EXPECT_DOUBLE_EQ(IouOf(Box(2, 0, 10, 10), Box(1.5, 0, 10, 10)), 1);
}

TEST(FddbIous, RegionsAreCutOffAtTheImage) {
  // Of columns -5..5 only 0..5 remain, of rows 95..105 only 95..99.
  EXPECT_DOUBLE_EQ(IouOf(Box(-5, 95, 10, 10), Box(0, 95, 5, 4)), 1);
  EXPECT_EQ(IouOf(Box(-50, -50, 10, 10), Box(-50, -50, 10, 10)), 0);
}

TEST(FddbIous, EllipseFillsAboutPiOverFourOfItsBox) {
  const double iou = IouOf(Ellipse(30, 20, 0, 50, 50), Box(20, 30, 60, 40));
  EXPECT_NEAR(iou, 3.14159 / 4, 0.01);
  // Half axes are cut to whole pixels and the centre is rounded.
  EXPECT_DOUBLE_EQ(IouOf(Ellipse(30.9, 20.9, 0, 50.4, 49.6), Box(20, 30, 60, 40)), iou);
}

TEST(FddbIous, AngleTurnsTheMajorAxis) {
  // A quarter turn stands it upright.
  EXPECT_GT(IouOf(Ellipse(30, 10, 1.5707963, 50, 50), Box(40, 20, 20, 60)), 0.7);
  EXPECT_LT(IouOf(Ellipse(30, 10, 1.5707963, 50, 50), Box(20, 40, 60, 20)), 0.4);
  // An eighth: the major axis goes from bottom left to top right (y points down).
  const FddbRegion tilted = Ellipse(30, 5, 0.7853982, 50, 50);
  EXPECT_GT(IouOf(tilted, Box(60, 30, 10, 10)), 0.05);
  EXPECT_EQ(IouOf(tilted, Box(30, 30, 10, 10)), 0);
}

TEST(ScoreFddbImage, PairsUpToOneHalfCountInTheContinuousScoreOnly) {
  // 11 x 11 face; 11 x 22 detection over it: IoU 1/2 is not above 1/2.
  for (const FddbMatching matching : {FddbMatching::kOfficial, FddbMatching::kMaximum}) {
    const auto steps = ScoreFddbImage({Box(0, 0, 10, 10)}, {Box(0, 0, 10, 21, 0.9)}, {100, 100}, matching);
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].discrete, 0);
    EXPECT_DOUBLE_EQ(steps[0].continuous, 0.5);
    EXPECT_EQ(steps[0].false_positives, 1);
  }
}

TEST(ScoreFddbImage, ALaterDetectionCanTakeTheFace) {
  // The first has IoU 11/20 (rows 0..19) with the face, the second 1: the first becomes a false positive.
  for (const FddbMatching matching : {FddbMatching::kOfficial, FddbMatching::kMaximum}) {
    const auto steps =
        ScoreFddbImage({Box(0, 0, 10, 10)}, {Box(0, 0, 10, 10, 0.5), Box(0, 0, 10, 19, 0.9)}, {100, 100}, matching);
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_DOUBLE_EQ(steps[0].continuous, 0.55);
    EXPECT_EQ(steps[0].discrete, 1);
    EXPECT_DOUBLE_EQ(steps[1].continuous, 0.45);
    EXPECT_EQ(steps[1].discrete, 0);
    EXPECT_EQ(steps[1].false_positives, 1);
  }
}

TEST(ScoreFddbImage, EqualScoresAreOneThreshold) {
  const auto steps = ScoreFddbImage({Box(0, 0, 10, 10)}, {Box(0, 0, 10, 10, 0.5), Box(50, 50, 9, 9, 0.5)}, {100, 100},
                                    FddbMatching::kOfficial);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].discrete, 1);
  EXPECT_EQ(steps[0].false_positives, 1);
}

// More images than one thread takes at once.
TEST(RankFddb, SeveralThreadsRankTheSame) {
  std::vector<FddbImage> faces, found;
  std::map<std::string, PixelSize> sizes;
  for (int i = 0; i < 80; ++i) {
    const std::string name = std::to_string(i);
    sizes[name] = {100, 100};
    faces.push_back({name, {Box(0, 0, 10, 10), Ellipse(20, 15, 0.3, 60, 60)}});
    found.push_back({name, {Box(i / 10.0, 0, 10, 10, 0.001 * i), Box(45, 40, 30, 40, 0.5 + 0.001 * i)}});
  }
  const auto one = RankFddb(faces, found, sizes, FddbMatching::kOfficial, 1);
  const auto four = RankFddb(faces, found, sizes, FddbMatching::kOfficial, 4);
  ASSERT_TRUE(one.ok() && four.ok()) << four.status();
  const auto expected = MakeCurve(one->continuous, Ties::kTogether),
             curve = MakeCurve(four->continuous, Ties::kTogether);
  ASSERT_EQ(expected.size(), curve.size());
  ASSERT_GE(curve.size(), 160u);
  for (size_t i = 0; i < curve.size(); ++i) EXPECT_EQ(expected[i].recall, curve[i].recall) << i;
}

TEST(RankFddb, SumsOverImagesAndNeedsEverySize) {
  const std::vector<FddbImage> faces = {{"a", {Box(0, 0, 10, 10), Box(50, 50, 10, 10)}}, {"b", {Box(0, 0, 10, 10)}}};
  const std::vector<FddbImage> found = {{"a", {Box(0, 0, 10, 10, 0.9), Box(80, 0, 9, 9, 0.2)}},
                                        {"b", {Box(0, 0, 10, 21, 0.5)}}};
  EXPECT_FALSE(RankFddb(faces, found, {{"a", {100, 100}}}, FddbMatching::kOfficial, 1).ok());
  const auto rankings = RankFddb(faces, found, {{"a", {100, 100}}, {"b", {100, 100}}}, FddbMatching::kOfficial, 2);
  ASSERT_TRUE(rankings.ok()) << rankings.status();
  const std::vector<CurvePoint> curve = MakeCurve(rankings->continuous, Ties::kTogether);
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_DOUBLE_EQ(curve[0].recall, 1.0 / 3);
  EXPECT_DOUBLE_EQ(curve[1].recall, 1.5 / 3);
  EXPECT_EQ(curve[2].false_positives, 2);
  EXPECT_DOUBLE_EQ(RateAtFalsePositives(curve, 2), 0.5);  // fewer than 2
  EXPECT_DOUBLE_EQ(RateAtFalsePositives(curve, 1), 1.0 / 3);
  EXPECT_EQ(RateAtFalsePositives(curve, 0), 0);
}

TEST(CheckFddbDetections, SeesCornersAndTwoScales) {
  const std::vector<FddbImage> faces = {{"a", {Box(40, 40, 20, 20)}}};
  LayoutReport good, corners, scales;
  CheckFddbDetections(faces, {{"a", {Box(40, 40, 20, 20, 0.9)}}}, "f", &good);
  EXPECT_TRUE(good.empty()) << good.Text();
  CheckFddbDetections(faces, {{"a", {Box(40, 40, 60, 60, 0.9)}}}, "f", &corners);
  EXPECT_EQ(corners.count("results of corners instead of extents"), 1);
  std::vector<FddbRegion> mixed;
  for (int i = 0; i < 10; ++i) mixed.push_back(Box(40, 40, 20, 20, 0.5 + 0.01 * i));
  mixed.push_back(Box(40, 40, 20, 20, 55));
  CheckFddbDetections(faces, {{"a", mixed}}, "f", &scales);
  EXPECT_EQ(scales.count("results on two scales of scores"), 1);
}

}  // namespace
}  // namespace hardface::eval
