#include "data_tools/formats/yolo_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFiveLandmarks[] = "0 0.5 0.5 0.2 0.4 0.46 0.44 0.54 0.44 0.5 0.52 0.47 0.58 0.53 0.58\n";
constexpr char kNoLandmarks[] = "0 0.1 0.3 0.08 0.2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1\n";

AnnotatedImage Parse(const std::string& text, YoloRowRules rules = {}, const std::vector<std::string>& names = {}) {
  NoteLandmarks(text, &rules);
  AnnotatedImage image;
  ParseYoloLabels(text, "a.txt", names, rules, &image);
  return image;
}

YoloRowRules Rows(YoloRows rows) {
  YoloRowRules rules;
  rules.rows = rows;
  return rules;
}

testing::Matcher<const AnnotatedFace&> BoxIs(double x, double y, double w, double h) {
  return AllOf(
      testing::Field(&AnnotatedFace::x, DoubleNear(x, 1e-9)), testing::Field(&AnnotatedFace::y, DoubleNear(y, 1e-9)),
      testing::Field(&AnnotatedFace::w, DoubleNear(w, 1e-9)), testing::Field(&AnnotatedFace::h, DoubleNear(h, 1e-9)));
}

TEST(ParseYoloLabelsTest, ReadsBoxesAndPolygons) {
  const AnnotatedImage image = Parse("0 0.5 0.25 0.5 0.25\r\n\n1 0.1 0.2 0.3 0.1 0.2 0.4\n7 0.5 0.5 1 1\n", {},
                                     {"mask", "no mask", "", "", "", "", "", "seven"});
  EXPECT_THAT(image.errors, IsEmpty());
  EXPECT_THAT(image.faces, ElementsAre(BoxIs(0.25, 0.125, 0.5, 0.25),
                                       BoxIs(0.1, 0.1, 0.2, 0.3),  // corners (0.1, 0.2), (0.3, 0.1), (0.2, 0.4)
                                       BoxIs(0, 0, 1, 1)));
  EXPECT_EQ(image.faces[0].class_name, "mask");
  EXPECT_EQ(image.faces[1].class_name, "no mask");
  EXPECT_EQ(image.faces[2].class_name, "seven");
}

TEST(ParseYoloLabelsTest, AClassBeyondTheNamesIsAnError) {
  const AnnotatedImage image = Parse("0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n", {}, {"mask"});
  EXPECT_THAT(image.errors, ElementsAre(AllOf(HasSubstr("a.txt:2"), HasSubstr("the class 1 has no name"))));
  EXPECT_THAT(Parse("5 0.5 0.5 0.5 0.5\n").errors, IsEmpty()) << "no names are known";
  const AnnotatedImage hole = Parse("1 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5\n", {}, {"face", "", "mask"});
  EXPECT_THAT(hole.errors, ElementsAre(HasSubstr("a.txt:1: the class 1 has no name")));
  ASSERT_EQ(hole.faces.size(), 1u);
  EXPECT_EQ(hole.faces[0].class_name, "mask");
}

TEST(ParseYoloLabelsTest, ErrorsNamePlaceAndValue) {
  const AnnotatedImage image =
      Parse("0 0.5 0.5 0.1\n0 0.5 o.5 0.1 0.1\nface 0.5 0.5 0.1 0.1\n1.5 0.5 0.5 0.1 0.1\n-1 0.5 0.5 0.1 0.1\n");
  EXPECT_THAT(image.faces, IsEmpty());
  EXPECT_THAT(image.errors, ElementsAre(AllOf(HasSubstr("a.txt:1"), HasSubstr("4 numbers")),
                                        AllOf(HasSubstr("a.txt:2"), HasSubstr("\"o.5\" is not a number")),
                                        HasSubstr("\"face\" is not a number"), HasSubstr("\"1.5\" is no class number"),
                                        HasSubstr("\"-1\" is no class number")));
}

TEST(ParseYoloLabelsTest, FiveLandmarksAreToldByThoseThatAreNotLabelled) {
  const AnnotatedImage image = Parse(std::string(kFiveLandmarks) + kNoLandmarks);
  EXPECT_THAT(image.errors, IsEmpty());
  EXPECT_THAT(image.faces, ElementsAre(BoxIs(0.4, 0.3, 0.2, 0.4), BoxIs(0.06, 0.2, 0.08, 0.2)));
  EXPECT_EQ(image.faces[0].attributes.dump(),
            R"({"landmarks":[[0.46,0.44],[0.54,0.44],[0.5,0.52],[0.47,0.58],[0.53,0.58]]})");
  EXPECT_TRUE(image.faces[1].attributes.is_null());
}

// Without a row that says so, the row may as well be a polygon of seven points.
TEST(ParseYoloLabelsTest, PointsInTheBoxOfTheFirstFourNumbersAreAmbiguous) {
  for (const char* row : {kFiveLandmarks, "0 0.5 0.5 0.2 0.4 0.46 0.44\n", "0 0.5 0.5 0.2 0.4 0.46 0.44 0 0\n",
                          "0 0.5 0.5 0.2 0.4 0.46 0.44 1 0.5 0.5 0\n"}) {
    EXPECT_THAT(Parse(row).errors,
                ElementsAre(AllOf(HasSubstr("a.txt:1"), HasSubstr("--yolo_rows=box, polygon or landmarks"))))
        << row;
  }
  EXPECT_THAT(Parse(kFiveLandmarks, Rows(YoloRows::kLandmarks)).faces, ElementsAre(BoxIs(0.4, 0.3, 0.2, 0.4)));
  EXPECT_THAT(Parse(kFiveLandmarks, Rows(YoloRows::kBox)).faces, ElementsAre(BoxIs(0.4, 0.3, 0.2, 0.4)));
  EXPECT_THAT(Parse(kFiveLandmarks, Rows(YoloRows::kPolygon)).faces, ElementsAre(BoxIs(0.2, 0.4, 0.34, 0.18)));
}

TEST(ParseYoloLabelsTest, ANegativeNumberIsNeverAPolygon) {
  EXPECT_THAT(Parse("0 0.1 0.2 0.3 0.1 -1 -1\n").errors,
              ElementsAre(AllOf(HasSubstr("negative"), HasSubstr("--yolo_rows"))));
  EXPECT_THAT(Parse("0 0.1 0.2 0.3 0.1 -1 -1\n", Rows(YoloRows::kPolygon)).errors, SizeIs(1));
}

TEST(ParseYoloLabelsTest, PosesByTheirShape) {
  YoloRowRules pose;
  pose.points = 2;
  pose.point_size = 3;
  const AnnotatedImage two = Parse("0 0.5 0.5 0.2 0.4 0.46 0.44 2 0 0 0\n0 0.5 0.5 0.2 0.4 0.46 0.44\n", pose);
  EXPECT_THAT(two.faces, ElementsAre(BoxIs(0.4, 0.3, 0.2, 0.4)));
  EXPECT_TRUE(two.faces[0].attributes.is_null()) << "two points are no face's landmarks";
  EXPECT_THAT(two.errors,
              ElementsAre(AllOf(HasSubstr("a.txt:2"), HasSubstr("kpt_shape [2, 3]"), HasSubstr("makes 11"))));
  // Five points of three numbers make an odd row, which is no polygon.
  const AnnotatedImage five = Parse("0 0.5 0.5 0.2 0.4 0.46 0.44 2 0.54 0.44 1 0.5 0.52 2 0 0 0 0.53 0.58 2\n");
  EXPECT_THAT(five.errors, IsEmpty());
  EXPECT_EQ(five.faces[0].attributes.dump(),
            R"({"landmarks":[[0.46,0.44],[0.54,0.44],[0.5,0.52],null,[0.53,0.58]],"landmarks_occluded":[0,1,0,0,0]})");
}

TEST(ParseYoloLabelsTest, AScoreBehindTheBoxIsAnError) {
  EXPECT_THAT(Parse("0 0.5 0.5 0.2 0.4 0.87\n").errors,
              ElementsAre(AllOf(HasSubstr("score"), HasSubstr("--yolo_rows=box"))));
  EXPECT_THAT(Parse("0 0.5 0.5 0.2 0.4 0.87\n", Rows(YoloRows::kBox)).faces, ElementsAre(BoxIs(0.4, 0.3, 0.2, 0.4)));
}

TEST(ParseYoloLabelsTest, PixelsAreNotTakenForFractions) {
  for (const char* row : {"0 100 50 40 40\n", "0 0.5 0.5 40 40\n", "0 10 20 30 20 30 40 10 40\n", "0 50 50 10 30\n"}) {
    EXPECT_THAT(Parse(row).errors, ElementsAre(AllOf(HasSubstr("a.txt:1"), HasSubstr("pixels?")))) << row;
  }
  EXPECT_THAT(Parse("0 1.02 0.5 0.2 0.4\n").errors, IsEmpty()) << "a face at the border";
  YoloRowRules pixels;
  pixels.fractions = false;
  EXPECT_THAT(Parse("0 100 50 40 40\n", pixels).faces, ElementsAre(BoxIs(80, 30, 40, 40)));
}

TEST(ParseYoloLabelsTest, ByteOrderMarksAreSkipped) {
  EXPECT_THAT(Parse("\xef\xbb\xbf"
                    "0 0.5 0.5 0.2 0.2\n")
                  .faces,
              SizeIs(1));
}

TEST(LooksLikeYoloLabelsTest, ListsOfNamesAreNone) {
  for (const char* text : {"", "\n", kFiveLandmarks, "0 1 1 1 1"}) EXPECT_TRUE(LooksLikeYoloLabels(text)) << text;
  for (const char* text : {"face\nhead\n", "./images/a.jpg\n", "12\n", "Some words about the data set\n"}) {
    EXPECT_FALSE(LooksLikeYoloLabels(text)) << text;
  }
}

}  // namespace
}  // namespace hardface::data
