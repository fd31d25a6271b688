#include "data_tools/formats/annotation_source.h"

#include <gtest/gtest.h>

namespace hardface::data {
namespace {

TEST(ParseBooleanTest, TakesTheWordsOfAllProgramsAndNothingElse) {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "1", "1.0", " 1 "}) {
    bool value = false;
    EXPECT_TRUE(ParseBoolean(text, &value)) << text;
    EXPECT_TRUE(value) << text;
  }
  for (const char* text : {"false", "False", "FALSE", "no", "NO", "0", "0.0", "-0"}) {
    bool value = true;
    EXPECT_TRUE(ParseBoolean(text, &value)) << text;
    EXPECT_FALSE(value) << text;
  }
  bool value = false;
  for (const char* text : {"", "2", "-1", "0.5", "ja", "truee", "nan"})
    EXPECT_FALSE(ParseBoolean(text, &value)) << text;
}

TEST(NumberToJsonTest, WholeNumbersAreIntegers) {
  EXPECT_EQ(NumberToJson(2).dump(), "2");
  EXPECT_EQ(NumberToJson(-2.5).dump(), "-2.5");
  EXPECT_EQ(NumberToJson(1e300).dump(), "1e+300");
}

TEST(SetEllipseTest, BoxTouchesTheEllipse) {
  AnnotatedFace upright;
  SetEllipse({20, 10, 0, 50, 60}, &upright);  // the major axis along x
  EXPECT_DOUBLE_EQ(upright.x, 30);
  EXPECT_DOUBLE_EQ(upright.y, 50);
  EXPECT_DOUBLE_EQ(upright.w, 40);
  EXPECT_DOUBLE_EQ(upright.h, 20);
  AnnotatedFace turned;
  SetEllipse({20, 10, 3.14159265358979 / 4, 0, 0}, &turned);
  EXPECT_NEAR(turned.w, 2 * std::sqrt((400 + 100) / 2.0), 1e-9);  // cos^2 = sin^2 = 1/2
  EXPECT_NEAR(turned.h, turned.w, 1e-9);
  EXPECT_EQ(upright.attributes["ellipse"].dump(), "[20.0,10.0,0.0,50.0,60.0]");
}

TEST(SetLandmarksTest, PointsThatAreNotLabelledAreNull) {
  AnnotatedFace face, bare;
  SetLandmarks({{1, 2, true, false}, {3, 4, false, false}, {5, 6.5, true, true}}, &face);
  EXPECT_EQ(face.attributes.dump(), R"({"landmarks":[[1.0,2.0],null,[5.0,6.5]],"landmarks_occluded":[0,0,1]})");
  SetLandmarks({{1, 2, false, true}}, &bare);
  EXPECT_TRUE(bare.attributes.is_null());
}

TEST(ScaleFaceTest, GeometryAmongTheAttributesIsScaledWithTheBox) {
  AnnotatedFace face;
  SetEllipse({20, 10, 0, 50, 60}, &face);
  SetLandmarks({{30, 40, true, false}, {}}, &face);
  ScaleFace(2, 2, &face);
  EXPECT_EQ(face.x, 60);
  EXPECT_EQ(face.h, 40);
  EXPECT_EQ(face.attributes["ellipse"].dump(), "[40.0,20.0,0.0,100.0,120.0]");
  ScaleFace(0.5, 1, &face);
  EXPECT_EQ(face.x, 30);
  EXPECT_EQ(face.attributes.dump(), R"({"landmarks":[[30.0,80.0],null]})") << "a stretched ellipse is none";
}

}  // namespace
}  // namespace hardface::data
