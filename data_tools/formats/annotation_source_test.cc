#include "data_tools/formats/annotation_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::ElementsAre;

TEST(ParseNumberTest, TakesWholeFiniteNumbersOnly) {
  double value = 0;
  EXPECT_TRUE(ParseNumber("-12.5", &value));
  EXPECT_EQ(value, -12.5);
  EXPECT_TRUE(ParseNumber("1e3", &value));
  for (const char* text : {"", "12a", "a", "nan", "inf", "1e999", "1 2"})
    EXPECT_FALSE(ParseNumber(text, &value)) << text;
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

TEST(ListFilesTest, IsSortedRecursiveAndIgnoresCaseOfExtensions) {
  const std::string folder = ::testing::TempDir() + "/list_files";
  for (const char* name : {"b.jpg", "a/z.JPEG", "a/y.txt", "c d/ü.png"}) {
    ASSERT_TRUE(WriteFileAtomically(folder + "/" + name, "x").ok());
  }
  const auto files = ListFiles(folder, ImageExtensions());
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files, ElementsAre("a/z.JPEG", "b.jpg", "c d/ü.png"));
  EXPECT_EQ(ListFiles(folder + "/none", {".jpg"}).status().code(), absl::StatusCode::kNotFound);
}

TEST(WithoutBomTest, TakesOneMarkAway) {
  EXPECT_EQ(WithoutBom("\xef\xbb\xbf"
                       "a.jpg"),
            "a.jpg");
  EXPECT_EQ(WithoutBom("a\xef\xbb\xbf"), "a\xef\xbb\xbf");
  EXPECT_EQ(WithoutBom(""), "");
}

}  // namespace
}  // namespace hardface::data
