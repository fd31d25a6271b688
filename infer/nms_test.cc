#include "infer/nms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hardface::infer {
namespace {

using ::testing::ElementsAre;

TEST(PlainNmsTest, SuppressesLowerScoredOverlappingBox) {
  // The second overlaps the first by 9/11 of the area; the third stands apart.
  EXPECT_THAT(PlainNms({{{0, 0, 9, 9}, 0.5f}, {{1, 0, 10, 9}, 0.9f}, {{50, 50, 59, 59}, 0.1f}}, 0.4f),
              ElementsAre(1, 2));
}

TEST(PlainNmsTest, TiesGoToTheEarlier) {
  EXPECT_THAT(PlainNms({{{0, 0, 9, 9}, 0.5f}, {{0, 0, 9, 9}, 0.5f}}, 0.4f), ElementsAre(0));
}

TEST(PlainNmsTest, EqualToTheThresholdStays) {
  // 10 x 10 boxes that share 10 x 5: IoU 1/3.
  const std::vector<ScoredBox> boxes = {{{0, 0, 9, 9}, 0.9f}, {{0, 5, 9, 14}, 0.8f}};
  EXPECT_THAT(PlainNms(boxes, 50.0f / 150.0f), ElementsAre(0, 1));
  EXPECT_THAT(PlainNms(boxes, 0.33f), ElementsAre(0));
}

// Written with two digits, the others would be boxes of width or height 0.
TEST(ToDetectionsTest, OnlyBoxesWithAnAreaAreReturned) {
  const float nan = std::nanf("");
  const std::vector<ScoredBox> boxes = {{{0, 0, 0, 9}, 0.9f},        {{0, 7, 9, 7}, 0.8f}, {{3, 3, 3.01f, 9}, 0.7f},
                                        {{3, 3, 9, 3.01f}, 0.6f},    {{9, 9, 3, 3}, 0.5f}, {{nan, 0, 9, 9}, 0.4f},
                                        {{3, 4, 3.03f, 4.03f}, 0.3f}};
  const std::vector<data::Detection> detections = ToDetections(boxes);
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].score, 0.3f);
}

TEST(VoteBoxesTest, AveragesByScore) {
  const auto voted = VoteBoxes({{{0, 0, 9, 9}, 0.25f}, {{4, 0, 13, 9}, 0.75f}}, {0.4f});
  ASSERT_EQ(voted.size(), 1u);
  EXPECT_FLOAT_EQ(voted[0].box.x1, 3);
  EXPECT_FLOAT_EQ(voted[0].box.x2, 12);
  EXPECT_FLOAT_EQ(voted[0].score, 0.75f);
}

TEST(VoteBoxesTest, SingletonsStayOrGoAsAsked) {
  const std::vector<ScoredBox> boxes = {{{0, 0, 9, 9}, 0.9f}, {{100, 0, 109, 9}, 0.8f}, {{200, 0, 209, 9}, 0.7f}};
  EXPECT_EQ(VoteBoxes(boxes, {0.4f, false}).size(), 3u);
  const auto published = VoteBoxes(boxes, {0.4f, true});
  ASSERT_EQ(published.size(), 1u);  // the last one left stays
  EXPECT_FLOAT_EQ(published[0].score, 0.7f);
}

TEST(VoteBoxesTest, NothingInNothingOut) { EXPECT_TRUE(VoteBoxes({}, {}).empty()); }

TEST(VoteBoxesTest, BoxesWithoutAreaAndZeroScoresEnd) {
  const auto voted = VoteBoxes({{{5, 5, 3, 3}, 0.0f}, {{5, 5, 3, 3}, 0.0f}}, {0.4f});
  EXPECT_FALSE(voted.empty());
}

}  // namespace
}  // namespace hardface::infer
