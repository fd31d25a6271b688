#include "eval/common/axis_fit.h"

#include <gtest/gtest.h>

namespace hardface::eval {
namespace {

TEST(AxisFitTest, NothingAddedMovesNothing) {
  const AxisFit fit;
  double low = 3, high = 8;
  fit.Apply(&low, &high);
  EXPECT_EQ(low, 3);
  EXPECT_EQ(high, 8);
  EXPECT_EQ(fit.offset(), 0);
  EXPECT_EQ(fit.ratio(), 1);
}

// Faces are from the crown, detections from the eyebrows: 10 high where faces are 14, which begin 4 above.
TEST(AxisFitTest, TakesADetectionToTheFaceItWasFittedTo) {
  AxisFit fit;
  fit.Add(0, 14, 4, 14);
  EXPECT_NEAR(fit.offset(), -0.2, 1e-12);
  EXPECT_NEAR(fit.ratio(), 1.4, 1e-12);
  double low = 4, high = 14;
  fit.Apply(&low, &high);
  EXPECT_NEAR(low, 0, 1e-12);
  EXPECT_NEAR(high, 14, 1e-12);
}

TEST(AxisFitTest, OffsetsAndRatiosAreInSizesOfTheDetection) {
  AxisFit fit;
  fit.Add(0, 14, 4, 14);
  double low = 40, high = 140;  // ten times as large: moved ten times as far
  fit.Apply(&low, &high);
  EXPECT_NEAR(low, 0, 1e-9);
  EXPECT_NEAR(high, 140, 1e-9);
}

// Each pair counts once, whatever its size: a mean of ratios, not a ratio of means.
TEST(AxisFitTest, IsTheMeanOverThePairs) {
  AxisFit fit;
  fit.Add(0, 20, 0, 10);      // twice the size, centre half a size further
  fit.Add(100, 200, 0, 100);  // the same size, one size further
  EXPECT_NEAR(fit.offset(), 0.75, 1e-12);
  EXPECT_NEAR(fit.ratio(), 1.5, 1e-12);
}

}  // namespace
}  // namespace hardface::eval
