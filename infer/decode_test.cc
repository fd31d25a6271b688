#include "infer/decode.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace hardface::infer {
namespace {

struct Plane {
  Plane() : values(6 * 16) {
    model::AnchorPlane plane{16, 8, 4, 4, values.data(), values.data() + 16};
    for (int k = 0; k < 4; ++k) plane.deltas[k] = values.data() + 16 * (2 + k);
    planes.push_back(plane);
    for (int i = 0; i < 16; ++i) plane.face[i] = -10;
  }
  std::vector<float> values;
  std::vector<model::AnchorPlane> planes;
};

TEST(DecodeDetectionsTest, ZeroDeltasGiveTheAnchorPlusThePublishedPixelClippedToTheImage) {
  Plane plane;
  plane.planes[0].face[plane.planes[0].cell(1, 1)] = 3;
  plane.planes[0].face[plane.planes[0].cell(3, 3)] = 1;
  const auto boxes = DecodeDetections(plane.planes, 32, 30, {0.5f, 10});
  ASSERT_EQ(boxes.size(), 2u);
  EXPECT_FLOAT_EQ(boxes[0].box.x1, 8);
  EXPECT_FLOAT_EQ(boxes[0].box.x2, 24);
  EXPECT_FLOAT_EQ(boxes[1].box.x2, 31);
  EXPECT_FLOAT_EQ(boxes[1].box.y2, 29);
}

TEST(DecodeDetectionsTest, APerfectNetworkGivesTheAnnotatedBoxBackAtEveryScale) {
  const data::Rect face{10, 9, 11, 14};  // pixels of the image
  for (const float scale : {0.5f, 1.0f, 1.75f}) {
    Plane plane;
    const data::Box target = data::ToBox({face.x * scale, face.y * scale, face.w * scale, face.h * scale});
    const std::array<float, 4> deltas = model::EncodeBox(plane.planes[0].anchor(1, 1), target);
    const int cell = plane.planes[0].cell(1, 1);
    plane.planes[0].face[cell] = 3;
    for (int k = 0; k < 4; ++k) plane.values[static_cast<size_t>(16 * (2 + k) + cell)] = deltas[static_cast<size_t>(k)];
    const auto boxes = DecodeDetections(plane.planes, 64, 64, {0.5f, 1});
    ASSERT_EQ(boxes.size(), 1u);
    const data::Rect found = data::ToRect(boxes[0].box);
    EXPECT_NEAR(found.x / scale, face.x, 1e-4);
    EXPECT_NEAR(found.y / scale, face.y, 1e-4);
    EXPECT_NEAR(found.w / scale, face.w, 1e-4);
    EXPECT_NEAR(found.h / scale, face.h, 1e-4);
  }
}

TEST(DecodeDetectionsTest, TheBestStaysWhenAllAreBelowTheThreshold) {
  Plane plane;
  plane.planes[0].face[5] = -9;
  const auto boxes = DecodeDetections(plane.planes, 32, 32, {0.5f, 10});
  ASSERT_EQ(boxes.size(), 1u);
  EXPECT_FLOAT_EQ(boxes[0].box.x1, 8);
}

TEST(DecodeDetectionsTest, AWindowTakesTheCellsOfItsCoreAndPlacesThem) {
  Plane plane;
  for (int i = 0; i < 16; ++i) plane.planes[0].face[i] = 3 + 0.1f * static_cast<float>(i);
  // Cells of 8 pixels from (80, 160) on: columns 1 and 2, row 3.
  const DecodeWindow window{80, 160, 88, 184, 104, 300};
  const auto boxes = DecodeDetections(plane.planes, 1000, 1000, {0.5f, 100}, &window);
  ASSERT_EQ(boxes.size(), 2u);
  const auto whole = DecodeDetections(plane.planes, 1000, 1000, {0.5f, 100});
  EXPECT_FLOAT_EQ(boxes[0].score, whole[1].score);  // cell (3, 2); the best of all is (3, 3)
  EXPECT_FLOAT_EQ(boxes[0].box.x1, whole[1].box.x1 + 80);
  EXPECT_FLOAT_EQ(boxes[0].box.y2, whole[1].box.y2 + 160);
  EXPECT_FLOAT_EQ(boxes[1].box.x1, whole[2].box.x1 + 80);
}

TEST(DecodeDetectionsTest, KeepsTheBestSoMany) {
  Plane plane;
  for (int i = 0; i < 16; ++i) plane.planes[0].face[i] = static_cast<float>((i * 7) % 16);
  const auto boxes = DecodeDetections(plane.planes, 32, 32, {0.002f, 5});
  ASSERT_EQ(boxes.size(), 5u);
  for (int i = 1; i < 5; ++i) EXPECT_GT(boxes[i - 1].score, boxes[i].score);
}

}  // namespace
}  // namespace hardface::infer
