#include "model/detectors/anchors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace hardface::model {
namespace {

template <typename Corners>  // Box or EdgeBox
void ExpectBox(const Corners& box, float x1, float y1, float x2, float y2) {
  EXPECT_FLOAT_EQ(box.x1, x1);
  EXPECT_FLOAT_EQ(box.y1, y1);
  EXPECT_FLOAT_EQ(box.x2, x2);
  EXPECT_FLOAT_EQ(box.y2, y2);
}

TEST(AnchorBoxTest, MatchesThePaper) {
  ExpectBox(AnchorBox(16, 8, 0, 0), 0, 0, 15, 15);
  ExpectBox(AnchorBox(32, 8, 0, 0), -8, -8, 23, 23);
  ExpectBox(AnchorBox(64, 8, 0, 0), -24, -24, 39, 39);
  ExpectBox(AnchorBox(16, 8, /*y=*/2, /*x=*/3), 24, 16, 39, 31);
}

TEST(BoxCodingTest, HandComputed) {
  // Anchor 0..15 (16 px, centre 8 by x1 + w/2), target 4..35 x 0..15 (32 x 16, centre 20, 8).
  const auto deltas = EncodeBox({0, 0, 15, 15}, {4, 0, 35, 15});
  EXPECT_FLOAT_EQ(deltas[0], 0.75f);
  EXPECT_FLOAT_EQ(deltas[1], 0);
  EXPECT_FLOAT_EQ(deltas[2], std::log(2.0f));
  EXPECT_FLOAT_EQ(deltas[3], 0);
}

TEST(BoxCodingTest, DecodingInvertsButForThePublishedPixel) {
  const data::Box anchor{16, 8, 47, 39}, target{10, 20, 60, 50};
  const data::EdgeBox decoded = DecodeBox(anchor, EncodeBox(anchor, target));
  EXPECT_NEAR(decoded.x1, target.x1, 1e-4);
  EXPECT_NEAR(decoded.y1, target.y1, 1e-4);
  EXPECT_NEAR(decoded.x2, target.x2 + 1, 1e-4);
  EXPECT_NEAR(decoded.y2, target.y2 + 1, 1e-4);
}

// SSD: a prior of 32 pixels in the middle of the cell (x 3, y 2) of stride 8, (28, 20), variances 0.1 and 0.2.
TEST(BoxCodingTest, SsdByHand) {
  const auto s3fd = BuildDetector({"s3fd", 16});
  ASSERT_TRUE(s3fd.ok());
  const float values[4] = {1, -2, std::log(2.0f) * 5, 0};
  float maps[4][12] = {};
  AnchorPlane plane{32, 8, 3, 4};
  plane.coding = s3fd->heads[1].coding;
  const int cell = plane.cell(2, 3);
  for (int k = 0; k < 4; ++k) {
    maps[k][cell] = values[k];
    plane.deltas[k] = maps[k];
  }
  // The middle moves by 3.2 and -6.4, the width doubles: 64.
  ExpectBox(plane.box(2, 3), 31.2f - 32, 13.6f - 16, 31.2f + 32, 13.6f + 16);
}

TEST(BoxCodingTest, HugeDeltasStayFinite) {
  const data::EdgeBox box = DecodeBox({0, 0, 15, 15}, {0, 0, 1000, 1000});
  EXPECT_TRUE(std::isfinite(box.x2) && std::isfinite(box.y2));
}

TEST(PlanesOfTest, ReadsChannelsInThePublishedOrder) {
  // One head with three anchors: background a1 a2 a3, face a1 a2 a3; boxes anchor-major.
  const auto detector = BuildDetector({"smallhard", 16, /*dilated_heads=*/false});
  ASSERT_TRUE(detector.ok());
  Tensor scores({2, 6, 2, 2}), boxes({2, 12, 2, 2});
  for (int n = 0; n < 2; ++n) {
    for (int c = 0; c < 12; ++c) {
      if (c < 6) scores.view().at(n, c, 1, 1) = static_cast<float>(10 * n + c);
      boxes.view().at(n, c, 1, 1) = static_cast<float>(100 * n + c);
    }
  }
  const auto planes = PlanesOf(
      *detector, [&](const std::string& name) { return name == "cls_score" ? scores.view() : boxes.view(); }, /*n=*/1);
  ASSERT_EQ(planes.size(), 3u);
  EXPECT_EQ(planes[2].size, 64);
  const int cell = planes[2].cell(1, 1);
  EXPECT_EQ(planes[2].background[cell], 12);
  EXPECT_EQ(planes[2].face[cell], 15);
  EXPECT_EQ(planes[2].deltas[3][cell], 111);
}

}  // namespace
}  // namespace hardface::model
