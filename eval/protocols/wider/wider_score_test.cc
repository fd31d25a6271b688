#include "eval/protocols/wider/wider_score.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hardface::eval {
namespace {

WiderFace FaceAt(double x, double y, double w, double h, int subsets = 1) {
  WiderFace face;
  face.x = x;
  face.y = y;
  face.w = w;
  face.h = h;
  face.subsets = static_cast<uint8_t>(subsets);
  return face;
}

WiderGroundTruth Truth(std::vector<std::vector<WiderFace>> faces, bool integer_boxes = true) {
  WiderGroundTruth truth;
  truth.integer_boxes = integer_boxes;
  truth.subsets = {"easy"};
  for (size_t i = 0; i < faces.size(); ++i) truth.images.push_back({"0--Made", "up_" + std::to_string(i), faces[i]});
  return truth;
}

WiderDetections Found(std::vector<std::vector<ResultBox>> images) {
  WiderDetections detections;
  detections.images = std::move(images);
  return detections;
}

double ApOf(const WiderGroundTruth& truth, const WiderDetections& detections, WiderMatching matching) {
  const auto matches = MatchWider(truth, detections, matching, /*threads=*/2);
  EXPECT_TRUE(matches.ok()) << matches.status();
  return ScoreWiderSubset(truth, *matches, 0).ap;
}

// More images than one thread takes at once.
TEST(MatchWider, SeveralThreadsMatchTheSame) {
  std::vector<std::vector<WiderFace>> faces;
  std::vector<std::vector<ResultBox>> boxes;
  for (int i = 0; i < 300; ++i) {
    faces.push_back({FaceAt(i, 0, 20, 20), FaceAt(i + 50, 10, 30, 30)});
    boxes.push_back({{i + 2.0, 0, 20, 20, 0.9}, {i + 51.0, 12, 28, 30, 0.5}, {300, 300, 5, 5, 0.4}});
  }
  const WiderGroundTruth truth = Truth(faces);
  const WiderDetections found = Found(boxes);
  const auto one = MatchWider(truth, found, WiderMatching::kOfficial, /*threads=*/1);
  const auto four = MatchWider(truth, found, WiderMatching::kOfficial, /*threads=*/4);
  ASSERT_TRUE(one.ok() && four.ok()) << four.status();
  EXPECT_EQ(one->faces, four->faces);
  EXPECT_EQ(four->faces[299][1], 1);
}

// Two faces 4 pixels apart: with "+1" each covers 11 x 11. The box lies on the second: IoU with the first is
// 7*11 / (2*121 - 77) = 77/165 < 0.5.  With faces 3 apart: 88 / 154 = 0.571.
TEST(MatchWiderImage, OfficialTakesTheFirstFaceOverOneHalfAndBestIouTheBest) {
  const std::vector<WiderFace> near = {FaceAt(0, 0, 10, 10), FaceAt(3, 0, 10, 10)};
  const std::vector<WiderFace> far = {FaceAt(0, 0, 10, 10), FaceAt(4, 0, 10, 10)};
  EXPECT_EQ(MatchWiderImage(near, {{3, 0, 10, 10, 1}}, true), std::vector<int32_t>{0});
  EXPECT_EQ(MatchWiderImage(near, {{3, 0, 10, 10, 1}}, false), std::vector<int32_t>{1});
  EXPECT_EQ(MatchWiderImage(far, {{4, 0, 10, 10, 1}}, true), std::vector<int32_t>{1});
}

TEST(MatchWiderImage, CountsPixelsWithPlusOne) {
  // A 1x1 face covers 2x2 pixels; a box of 3x1 covers 4x2: IoU 4/8 reaches 0.5. Without "+1" it would be 1/3.
  for (bool integer : {true, false}) {
    EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 1, 1)}, {{0, 0, 3, 1, 1}}, integer), std::vector<int32_t>{0});
    EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 1, 1)}, {{0, 0, 4, 1, 1}}, integer), std::vector<int32_t>{-1});
    EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 1, 1)}, {{2, 0, 1, 1, 1}}, integer), std::vector<int32_t>{-1});
  }
}

TEST(MatchWiderImage, Int32ArithmeticRoundsFractionalBoxes) {
  // Face 0..9 (w = h = 9): 10x10 = 100. Box x 5.5, w 9: in exact arithmetic it overlaps 9 - 5.5 + 1 = 4.5 columns:
  // 45 / 155 no match in either. Box w 3.4: exact overlap 4.4 x 10 of (44 + 100 - 44): 0.44; int32: x1 = 6 (5.5 rounds
  // away from zero), x2 = 8.9 -> 9: 4 x 10 = 40; union = round(100 + 44) - 40 = 104: 40/104 rounds to 0.
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 9, 9)}, {{5.5, 0, 3.4, 9, 1}}, true), std::vector<int32_t>{-1});
  // Box x 4.4, w 4.6 (x2 = 9): exact 5.6 x 10 / 100 = 0.56. int32: x1 = 4, 6 columns: 60 / (round(156) - 60 = 96).
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 9, 9)}, {{4.4, 0, 4.6, 9, 1}}, true), std::vector<int32_t>{0});
  // Box x 4.6, w 4.4: exact 5.4 x 10 / 100 = 0.54 matches. int32: x1 = 5, 5 columns: 50 / (154 - 50 = 104) = 0.48: not.
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 9, 9)}, {{4.6, 0, 4.4, 9, 1}}, false), std::vector<int32_t>{0});
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 9, 9)}, {{4.6, 0, 4.4, 9, 1}}, true), std::vector<int32_t>{-1});
}

TEST(MatchWiderImage, Int32SaturatesInsteadOfOverflowing) {
  const double huge = 4e9;
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 10, 10)}, {{0, 0, huge, huge, 1}}, true), std::vector<int32_t>{-1});
  EXPECT_EQ(MatchWiderImage({FaceAt(0, 0, 10, 10)}, {{-huge, -huge, 1, 1, 1}}, true), std::vector<int32_t>{-1});
}

TEST(MatchWiderImage, OddFacesOfTheRealFilesAreHarmless) {
  // (0,0,0,0) stands for "no face"; one real face has the width -2.
  const std::vector<WiderFace> faces = {FaceAt(0, 0, 0, 0), FaceAt(1026, 474, -2, 23)};
  for (bool integer : {true, false}) {
    EXPECT_EQ(MatchWiderImage(faces, {{0, 0, 0, 0, 1}, {1024, 474, 2, 23, 1}}, integer), (std::vector<int32_t>{0, -1}));
  }
}

TEST(WiderScore, HandComputedApWithIgnoredDuplicateAndMissed) {
  // Image 0: faces A (counts), B (ignored). Image 1: face C, no detections. 2 faces count.
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10), FaceAt(50, 0, 10, 10, 0)}, {FaceAt(0, 0, 10, 10)}});
  const WiderDetections detections = Found({{{80, 80, 10, 10, 0.9},  // false alarm
                                             {50, 0, 10, 10, 0.8},   // on the ignored face: dropped
                                             {0, 0, 10, 10, 0.7},    // finds A
                                             {0, 1, 10, 10, 0.1}},   // A again: stays a false positive
                                            {}});
  // Recall 1/2 at precision 1/2, then nothing more.
  for (const WiderMatching matching : {WiderMatching::kOfficial, WiderMatching::kBestIou}) {
    EXPECT_DOUBLE_EQ(ApOf(truth, detections, matching), 0.25);
  }
  const auto matches = MatchWider(truth, detections, WiderMatching::kOfficial, 1);
  const std::vector<CurvePoint> curve = ScoreWiderSubset(truth, *matches, 0).curve;
  ASSERT_EQ(curve.size(), 1000u);
  EXPECT_DOUBLE_EQ(curve.back().recall, 0.5);
  EXPECT_DOUBLE_EQ(curve.back().precision, 1.0 / 3);
}

TEST(WiderScore, ScoresAreNormalisedOverAllImages) {
  // Scores -2 .. 6; the range is 8. Score 4 is 0.75 of it: it counts from threshold 1 - 250/1000 on.
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10)}, {FaceAt(0, 0, 10, 10)}});
  const WiderDetections detections = Found({{{0, 0, 10, 10, 6}, {90, 90, 5, 5, -2}}, {{0, 0, 10, 10, 4}}});
  const auto matches = MatchWider(truth, detections, WiderMatching::kOfficial, 1);
  ASSERT_TRUE(matches.ok());
  EXPECT_EQ(matches->thresholds[0], (std::vector<int32_t>{1, 1000}));
  EXPECT_EQ(matches->thresholds[1], std::vector<int32_t>{250});
}

TEST(WiderScore, ScoresWithinOneThresholdAreOnePoint) {
  // 0.9996 and 0.9994 both pass first at 0.999: the false alarm with the higher score and the face come together.
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10)}});
  EXPECT_DOUBLE_EQ(
      ApOf(truth, Found({{{80, 0, 9, 9, 1}, {0, 0, 10, 10, 0.9994}, {60, 0, 9, 9, 0}}}), WiderMatching::kBestIou), 0.5);
  // Three false alarms at the bottom do not touch the precision at full recall.
  EXPECT_DOUBLE_EQ(
      ApOf(truth, Found({{{0, 0, 10, 10, 1}, {60, 0, 9, 9, 0}, {60, 0, 9, 9, 0}}}), WiderMatching::kBestIou), 1.0);
}

TEST(WiderScore, EqualScoresCannotBeNormalised) {
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10)}});
  const auto matches = MatchWider(truth, Found({{{0, 0, 10, 10, 0.5}}}), WiderMatching::kBestIou, 1);
  ASSERT_FALSE(matches.ok());
  EXPECT_NE(matches.status().message().find("0.5"), std::string::npos) << matches.status();
}

TEST(WiderScore, SubsetsOfTheSameFacesDiffer) {
  WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10, 0b01), FaceAt(50, 0, 10, 10, 0b11)}});
  truth.subsets = {"easy", "medium"};
  const WiderDetections detections = Found({{{50, 0, 10, 10, 0.9}, {90, 90, 5, 5, 0.5}, {0, 0, 10, 10, 0.4}}});
  const auto matches = MatchWider(truth, detections, WiderMatching::kOfficial, 1);
  ASSERT_TRUE(matches.ok());
  EXPECT_DOUBLE_EQ(ScoreWiderSubset(truth, *matches, 0).ap, 0.5 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(ScoreWiderSubset(truth, *matches, 1).ap, 1.0);
  EXPECT_EQ(ScoreWiderSubset(truth, *matches, 1).faces, 1);
}

TEST(WiderScore, ASubsetWithoutFacesIsUndefined) {
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10, 0)}});
  EXPECT_TRUE(std::isnan(ApOf(truth, Found({{{0, 0, 10, 10, 1}, {0, 0, 10, 10, 0}}}), WiderMatching::kOfficial)));
}

TEST(WiderDifferences, NamesTheFaceAndTheBox) {
  // The best box for face 2 also has IoU 0.571 with face 1, which a better box has found: official calls it a
  // duplicate.
  const WiderGroundTruth truth = Truth({{FaceAt(0, 0, 10, 10), FaceAt(3, 0, 10, 10)}});
  const WiderDetections detections = Found({{{0, 0, 10, 10, 0.9}, {3, 0, 10, 10, 0.5}}});
  const auto official = MatchWider(truth, detections, WiderMatching::kOfficial, 1);
  const auto best = MatchWider(truth, detections, WiderMatching::kBestIou, 1);
  EXPECT_EQ(WiderDifferences(truth, detections, *official, *best),
            "image,what,index,x,y,w,h,score,subset,official,best_iou\n"
            "0--Made/up_0,detection,2,3,0,10,10,0.5,easy,duplicate,true_positive\n"
            "0--Made/up_0,face,2,3,0,10,10,,easy,missed,found\n");
}

}  // namespace
}  // namespace hardface::eval
