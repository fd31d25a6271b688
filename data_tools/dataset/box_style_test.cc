#include "data_tools/dataset/box_style.h"

#include <gtest/gtest.h>

namespace hardface::data {
namespace {

void ExpectNear(const Rect& a, const Rect& b) {
  EXPECT_NEAR(a.x, b.x, 1e-4);
  EXPECT_NEAR(a.y, b.y, 1e-4);
  EXPECT_NEAR(a.w, b.w, 1e-4);
  EXPECT_NEAR(a.h, b.h, 1e-4);
}

TEST(BoxStyle, MovesTheCentreAndScales) {
  const Rect face{100, 50, 20, 30};
  EXPECT_EQ(Restyle(face, {}), face);
  // Centre (110, 65) to (112, 59); 24 wide and 45 high.
  ExpectNear(Restyle(face, {0.1, -0.2, 1.2, 1.5}), {100, 36.5, 24, 45});
}

TEST(BoxStyle, TwoStylesOneAfterTheOtherAreOne) {
  const Rect face{3, 5, 20, 30};
  const BoxStyle first{0.1, -0.2, 1.2, 1.5}, second{-0.3, 0.4, 0.7, 0.6};
  ExpectNear(Restyle(face, Then(first, second)), Restyle(Restyle(face, first), second));
}

}  // namespace
}  // namespace hardface::data
