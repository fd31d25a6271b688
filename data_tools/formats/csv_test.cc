#include "data_tools/formats/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::StatusOr<std::vector<AnnotatedImage>> Read(const std::string& text, const CsvColumns& columns) {
  const std::string path = ::testing::TempDir() + "/table.csv";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  auto source = OpenCsv(path, columns);
  if (!source.ok()) return source.status();
  std::vector<AnnotatedImage> images;
  AnnotatedImage image;
  while (*(*source)->Next(&image)) images.push_back(image);
  return images;
}

CsvColumns BoxColumns() {
  CsvColumns columns;
  columns.box = {"x", "y", "w", "h"};
  return columns;
}

TEST(SplitCsvLineTest, Quotes) {
  std::vector<std::string> fields;
  EXPECT_TRUE(SplitCsvLine(R"(a,"b, c",,"say ""hi""")", &fields));
  EXPECT_THAT(fields, ElementsAre("a", "b, c", "", "say \"hi\""));
  EXPECT_FALSE(SplitCsvLine(R"(a,"b)", &fields));
}

TEST(CsvTest, GathersTheRowsOfAnImageWithAllColumns) {
  CsvColumns columns = BoxColumns();
  columns.original_size = {"ow", "oh"};
  columns.class_name = "kind";
  columns.ignore = "skip";
  columns.attributes = {"blur"};
  columns.image_attributes = {"event"};
  const auto images = Read(
      "# made up\nh,w,y,x,image,ow,oh,kind,skip,blur,event\n"
      "4,3,2,1,a.jpg,1024,819,face,0,2,Parade\n8,7,6,5,b.jpg,100,50,face,1,0.5,x\n"
      "40,30,20,10,a.jpg,1024,819,head,0,none,Parade\n",
      columns);
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(2));
  const AnnotatedImage& a = (*images)[0];
  EXPECT_THAT(a.candidates, ElementsAre("a.jpg"));
  EXPECT_EQ(a.reference_width, 1024);
  EXPECT_EQ(a.reference_height, 819);
  EXPECT_EQ(a.attributes.dump(), R"({"event":"Parade"})");
  ASSERT_THAT(a.faces, SizeIs(2));
  EXPECT_THAT((std::vector<double>{a.faces[0].x, a.faces[0].y, a.faces[0].w, a.faces[0].h}), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(a.faces[0].attributes.dump(), R"({"blur":2})");
  EXPECT_EQ(a.faces[1].class_name, "head");
  EXPECT_THAT(a.faces[1].place, HasSubstr("table.csv:5"));
  EXPECT_TRUE((*images)[1].faces[0].ignore);
}

TEST(CsvTest, EllipsesThatAreNoneAreErrors) {
  CsvColumns columns;
  columns.ellipse = {"a", "b", "t", "cx", "cy"};
  const auto images = Read("image,a,b,t,cx,cy\na.jpg,20,10,85,50,60\nb.jpg,20,-10,0,50,60\n", columns);
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(2));
  EXPECT_THAT((*images)[0].errors, ElementsAre(AllOf(HasSubstr(":2: the angle 85"), HasSubstr("degrees"))));
  EXPECT_THAT((*images)[1].errors, ElementsAre(HasSubstr(":3: the radii 20 and -10 must not be below zero")));
}

TEST(CsvTest, CornersEllipsesAndImagesWithoutFaces) {
  CsvColumns columns;
  columns.corners = {"x1", "y1", "x2", "y2"};
  const auto corners = Read("image,x1,y1,x2,y2\na.jpg,1,2,11,22\nb.jpg,,,,\n", columns);
  ASSERT_TRUE(corners.ok()) << corners.status();
  EXPECT_EQ((*corners)[0].faces[0].w, 10);
  EXPECT_EQ((*corners)[0].faces[0].h, 20);
  EXPECT_THAT((*corners)[1].faces, IsEmpty());
  EXPECT_THAT((*corners)[1].errors, IsEmpty());
  CsvColumns ellipse;
  ellipse.ellipse = {"a", "b", "t", "cx", "cy"};
  const auto ellipses = Read("image,a,b,t,cx,cy\na.jpg,20,10,0,50,60\n", ellipse);
  ASSERT_TRUE(ellipses.ok());
  EXPECT_EQ((*ellipses)[0].faces[0].x, 30);
}

TEST(CsvTest, BadRowsAreErrorsOfTheirImage) {
  CsvColumns columns = BoxColumns();
  columns.original_size = {"ow", "oh"};
  const auto images =
      Read("image,x,y,w,h,ow,oh\na.jpg,1,2,three,4,10,10\nb.jpg,1,2,3\nc.jpg,1,2,3,4,0,10\nd.jpg,1,2,3,4,10,\"10\n",
           columns);
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(4));
  EXPECT_THAT((*images)[0].errors, ElementsAre(AllOf(HasSubstr("table.csv:2"), HasSubstr("column w is \"three\""))));
  EXPECT_THAT((*images)[1].errors, ElementsAre(HasSubstr("4 fields; expected 7")));
  EXPECT_THAT((*images)[2].errors, ElementsAre(HasSubstr("must be above zero")));
  EXPECT_THAT((*images)[3].errors, ElementsAre(HasSubstr("quote is not closed")));
}

TEST(CsvTest, TruthValuesInTheWordsOfAllProgramsAndNoOthers) {
  CsvColumns columns = BoxColumns();
  columns.ignore = "skip";
  const auto images = Read(
      "image,x,y,w,h,skip\na.jpg,1,2,3,4,False\na.jpg,1,2,3,4,True\na.jpg,1,2,3,4,TRUE\na.jpg,1,2,3,4,1.0\n"
      "a.jpg,1,2,3,4,yes\na.jpg,1,2,3,4,0.0\nb.jpg,1,2,3,4,2\nb.jpg,1,2,3,4,\n",
      columns);
  ASSERT_TRUE(images.ok()) << images.status();
  std::vector<bool> ignored;
  for (const AnnotatedFace& face : (*images)[0].faces) ignored.push_back(face.ignore);
  EXPECT_THAT(ignored, ElementsAre(false, true, true, true, true, false));
  EXPECT_THAT((*images)[1].errors, ElementsAre(AllOf(HasSubstr("table.csv:8"), HasSubstr("column skip is \"2\""),
                                                     HasSubstr("true or false")),
                                               AllOf(HasSubstr("table.csv:9"), HasSubstr("column skip is \"\""))));
}

TEST(CsvTest, AHashBeginsACommentAboveTheColumnNamesOnly) {
  const auto images = Read("# made by hand\nimage,x,y,w,h\n#party1.jpg,1,2,3,4\nb.jpg,5,6,7,8\n", BoxColumns());
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(2));
  EXPECT_EQ((*images)[0].candidates[0], "#party1.jpg");
}

TEST(CsvTest, BlanksAroundNumbersAreNoFault) {
  const auto images = Read("image,x,y,w,h\na.jpg, 1, 2,3 , 4\n", BoxColumns());
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_THAT((*images)[0].errors, IsEmpty());
  EXPECT_EQ((*images)[0].faces[0].w, 3);
}

TEST(CsvTest, RowsOfOneImageMustAgreeOnItsOriginalSize) {
  CsvColumns columns = BoxColumns();
  columns.original_size = {"ow", "oh"};
  const auto images = Read("image,x,y,w,h,ow,oh\na.jpg,1,2,3,4,100,50\na.jpg,1,2,3,4,200,50\n", columns);
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_THAT((*images)[0].errors, ElementsAre(AllOf(HasSubstr("table.csv:3"), HasSubstr("200 x 50"))));
}

TEST(CsvTest, AColumnThatStandsTwiceIsAnError) {
  EXPECT_THAT(std::string(Read("image,x,y,w,h,x\na.jpg,1,2,3,4,9\n", BoxColumns()).status().message()),
              HasSubstr("the column \"x\" stands twice"));
}

TEST(CsvTest, WrongColumnsEndTheImport) {
  EXPECT_THAT(std::string(Read("image,x,y,width,h\n", BoxColumns()).status().message()),
              AllOf(HasSubstr("no column \"w\""), HasSubstr("x, y, width, h")));
  EXPECT_THAT(std::string(Read("", BoxColumns()).status().message()), HasSubstr("is empty"));
  CsvColumns both = BoxColumns();
  both.corners = {"x", "y", "w", "h"};
  EXPECT_THAT(std::string(Read("image\n", both).status().message()), HasSubstr("one of box"));
}

TEST(CsvTest, AByteOrderMarkIsNoPartOfTheFirstColumn) {
  const auto images = Read("\xef\xbb\xbfimage,x,y,w,h\na.jpg,1,2,3,4\n", BoxColumns());
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_EQ((*images)[0].candidates[0], "a.jpg");
}

}  // namespace
}  // namespace hardface::data
