#include "train/step/loss_scale.h"

#include <gtest/gtest.h>

namespace hardface::train {
namespace {

TEST(LossScaleTest, HalvesAfterAnOverflowAndDoublesAfterALongSoundTime) {
  LossScale scale(/*adapts=*/true);
  EXPECT_EQ(scale.value(), LossScale::kStart);
  EXPECT_TRUE(scale.LeaveOut(/*finite=*/false));
  EXPECT_EQ(scale.value(), LossScale::kStart / 2);
  for (int i = 0; i < LossScale::kStepsToGrow - 1; ++i) EXPECT_FALSE(scale.LeaveOut(true));
  EXPECT_EQ(scale.value(), LossScale::kStart / 2);
  EXPECT_FALSE(scale.LeaveOut(true));
  EXPECT_EQ(scale.value(), LossScale::kStart);
}

TEST(LossScaleTest, GivesUpAtOneAndStopsAtTheMost) {
  LossScale scale(/*adapts=*/true);
  scale.Set(1, 0);
  EXPECT_FALSE(scale.LeaveOut(/*finite=*/false));
  scale.Set(LossScale::kMax, LossScale::kStepsToGrow - 1);
  EXPECT_FALSE(scale.LeaveOut(true));
  EXPECT_EQ(scale.value(), LossScale::kMax);
}

TEST(LossScaleTest, IsOneForTypesThatNeedNone) {
  LossScale scale(/*adapts=*/false);
  scale.Set(1024, 5);
  EXPECT_EQ(scale.value(), 1);
  EXPECT_FALSE(scale.LeaveOut(/*finite=*/false));
}

}  // namespace
}  // namespace hardface::train
