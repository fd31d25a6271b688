#include "eval/common/attribution.h"

#include <gtest/gtest.h>

namespace hardface::eval {
namespace {

JudgedDetection Judged(double score, int face, float iou, Verdict verdict) {
  JudgedDetection judged;
  judged.score = score;
  judged.face = face;
  judged.iou = iou;
  judged.verdict = verdict;
  return judged;
}

// One image, four counted faces (0 to 3) and an ignored one (4). Face 0 is found, 1 only by a poor box, 2 and 3 not.
AttributionInput Example() {
  AttributionInput input;
  input.counted = {{true, true, true, true, false}};
  input.judged = {Judged(0.9, -1, 0, Verdict::kFalseAlarm), Judged(0.8, 0, 0.9f, Verdict::kTruePositive),
                  Judged(0.7, 0, 0.8f, Verdict::kDuplicate), Judged(0.6, 1, 0.4f, Verdict::kFalseAlarm)};
  return input;
}

TEST(Attribution, MendsEachKindAlone) {
  // As it is: recall 1/4 at precision 1/2: AP 1/8.
  const std::vector<ErrorShare> shares = AttributeLoss(Example());
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_EQ(shares[0].cause, "misses");
  EXPECT_EQ(shares[0].count, 2);
  EXPECT_DOUBLE_EQ(shares[0].ap_lost, 1.0 / 4 - 1.0 / 8);  // two faces less: recall 1/2 at precision 1/2
  EXPECT_EQ(shares[1].cause, "poor_boxes");
  EXPECT_EQ(shares[1].count, 1);
  // The poor box becomes right: recall 1/4 and 1/2 at precision 1/2 (2 of 4).
  EXPECT_DOUBLE_EQ(shares[1].ap_lost, 1.0 / 4 - 1.0 / 8);
  EXPECT_EQ(shares[2].cause, "duplicates");
  EXPECT_DOUBLE_EQ(shares[2].ap_lost, 0);  // it comes after the last face found
  EXPECT_EQ(shares[3].cause, "false_alarms");
  EXPECT_DOUBLE_EQ(shares[3].ap_lost, 1.0 / 4 - 1.0 / 8);  // precision 1
}

TEST(Attribution, APoorBoxOfAFoundFaceVanishes) {
  AttributionInput input = Example();
  input.judged[0] = Judged(0.9, 0, 0.3f, Verdict::kFalseAlarm);
  const std::vector<ErrorShare> shares = AttributeLoss(input);
  EXPECT_EQ(shares[1].count, 2);
  // Right, duplicate, right: recall 1/4 at 1, 1/2 at 2/3.
  EXPECT_DOUBLE_EQ(shares[1].ap_lost, 0.25 + 0.25 * 2 / 3 - 0.125);
  EXPECT_EQ(shares[3].count, 0);
}

TEST(Attribution, ABoxNearAnIgnoredFaceIsAFalseAlarm) {
  AttributionInput input = Example();
  input.judged[0] = Judged(0.9, 4, 0.3f, Verdict::kFalseAlarm);
  EXPECT_EQ(AttributeLoss(input)[3].count, 1);
}

TEST(Attribution, SplitsMissesByLabel) {
  const std::vector<ErrorShare> shares = AttributeMissesByLabel(
      Example(), "blur", [](int32_t, int32_t face) { return std::string(face < 2 ? "0" : "2"); });
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0].value, "0");
  EXPECT_EQ(shares[0].faces, 2);
  EXPECT_EQ(shares[0].count, 1);
  EXPECT_DOUBLE_EQ(shares[0].ap_lost, 1.0 / 6 - 1.0 / 8);
  EXPECT_EQ(shares[1].faces, 2);
  EXPECT_EQ(shares[1].count, 2);
  EXPECT_DOUBLE_EQ(shares[1].ap_lost, 1.0 / 4 - 1.0 / 8);
  EXPECT_EQ(AttributionToCsv("hard", {shares[0]}), "hard,blur,0,1,2,0.0416666667\n");
}

}  // namespace
}  // namespace hardface::eval
