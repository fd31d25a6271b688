#include "data_tools/formats/yolo.h"

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

TEST(ParseYoloLabelsTest, ReadsBoxesAndPolygons) {
  AnnotatedImage image;
  ParseYoloLabels("0 0.5 0.25 0.5 0.25\r\n\n1 0.1 0.2 0.3 0.1 0.2 0.4\n7 0.5 0.5 1 1\n", "a.txt", {"mask", "no mask"},
                  &image);
  EXPECT_THAT(image.errors, IsEmpty());
  ASSERT_THAT(image.faces, SizeIs(3));
  const AnnotatedFace& box = image.faces[0];
  EXPECT_THAT((std::vector<double>{box.x, box.y, box.w, box.h}), ElementsAre(0.25, 0.125, 0.5, 0.25));
  EXPECT_EQ(box.class_name, "mask");
  const AnnotatedFace& polygon = image.faces[1];  // corners (0.1, 0.2), (0.3, 0.1), (0.2, 0.4)
  EXPECT_EQ(polygon.class_name, "no mask");
  EXPECT_DOUBLE_EQ(polygon.x, 0.1);
  EXPECT_DOUBLE_EQ(polygon.y, 0.1);
  EXPECT_DOUBLE_EQ(polygon.w, 0.3 - 0.1);
  EXPECT_DOUBLE_EQ(polygon.h, 0.4 - 0.1);
  EXPECT_EQ(image.faces[2].class_name, "7") << "no name known";
}

TEST(ParseYoloLabelsTest, ErrorsNamePlaceAndValue) {
  AnnotatedImage image;
  ParseYoloLabels("0 0.5 0.5 0.1\n0 0.5 o.5 0.1 0.1\nface 0.5 0.5 0.1 0.1\n1.5 0.5 0.5 0.1 0.1\n-1 0.5 0.5 0.1 0.1\n",
                  "a.txt", {}, &image);
  EXPECT_THAT(image.faces, IsEmpty());
  EXPECT_THAT(image.errors, ElementsAre(AllOf(HasSubstr("a.txt:1"), HasSubstr("4 numbers")),
                                        AllOf(HasSubstr("a.txt:2"), HasSubstr("\"o.5\" is not a number")),
                                        HasSubstr("\"face\" is not a number"), HasSubstr("\"1.5\" is no class number"),
                                        HasSubstr("\"-1\" is no class number")));
}

TEST(ParseYoloNamesTest, UnderstandsTheThreeForms) {
  for (const char* yaml : {"nc: 2\nnames: ['a b', c]", "names:\n- a b\n- \"c\"\nnc: 2\n",
                           "path: x\nnames: # classes\n  0: a b\n  1: 'c' # last\nval: y\n", "names: {0: a b, 1: c}"}) {
    const auto names = ParseYoloNames(yaml, "data.yaml");
    ASSERT_TRUE(names.ok()) << yaml << names.status();
    EXPECT_THAT(*names, ElementsAre("a b", "c")) << yaml;
  }
  for (const char* yaml : {"nc: 2", "names: [a", "names:\nnc: 2", ""}) {
    EXPECT_THAT(std::string(ParseYoloNames(yaml, "data.yaml").status().message()), HasSubstr("data.yaml")) << yaml;
  }
}

TEST(OpenYoloTest, FindsLabelsBesideTheFolderImages) {
  const std::string root = ::testing::TempDir() + "/yolo_test";
  ASSERT_TRUE(WriteFileAtomically(root + "/train/images/b.png", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/train/images/a.jpg", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/train/labels/a.txt", "1 0.5 0.5 0.2 0.2\n").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/data.yaml", "names: [zero, one]").ok());
  for (const std::string& labels : {root, root + "/data.yaml"}) {
    auto source = OpenYolo({labels, root, ""});
    ASSERT_TRUE(source.ok()) << source.status();
    AnnotatedImage image;
    ASSERT_TRUE(*(*source)->Next(&image));
    EXPECT_EQ(image.candidates[0], "train/images/a.jpg");
    EXPECT_EQ(image.reference_width, 1);
    ASSERT_THAT(image.faces, SizeIs(1));
    EXPECT_EQ(image.faces[0].class_name, "one");
    ASSERT_TRUE(*(*source)->Next(&image));
    EXPECT_THAT(image.faces, IsEmpty()) << "no label file: no faces";
    EXPECT_FALSE(*(*source)->Next(&image));
  }
}

TEST(OpenYoloTest, LabelsInAFolderOfTheirOwn) {
  const std::string root = ::testing::TempDir() + "/yolo_test_apart";
  ASSERT_TRUE(WriteFileAtomically(root + "/jpg/a.jpg", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/txt/a.txt", "0 0.5 0.5 0.2 0.2\n").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/names.txt", "head\n").ok());
  auto source = OpenYolo({root + "/txt", root + "/jpg", root + "/names.txt"});
  ASSERT_TRUE(source.ok()) << source.status();
  AnnotatedImage image;
  ASSERT_TRUE(*(*source)->Next(&image));
  ASSERT_THAT(image.faces, SizeIs(1));
  EXPECT_EQ(image.faces[0].class_name, "head");
  EXPECT_EQ(OpenYolo({root, root + "/txt", ""}).status().code(), absl::StatusCode::kNotFound) << "no images there";
}

TEST(OpenYoloTest, ByteOrderMarksAreSkipped) {
  AnnotatedImage image;
  ParseYoloLabels(
      "\xef\xbb\xbf"
      "0 0.5 0.5 0.2 0.2\n",
      "a.txt", {}, &image);
  EXPECT_THAT(image.errors, IsEmpty());
  EXPECT_THAT(image.faces, SizeIs(1));
  EXPECT_EQ(ParseYoloNames("\xef\xbb\xbfnames: [head]", "data.yaml")->at(0), "head");
}

TEST(OpenYoloTest, LabelFilesThatCannotBeLookedForAreErrors) {
  const std::string root = ::testing::TempDir() + "/yolo_test_long";
  ASSERT_TRUE(WriteFileAtomically(root + "/a.jpg", "x").ok());
  const auto source = OpenYolo({root + "/" + std::string(300, 'l'), root, root + "/a.jpg"});
  ASSERT_TRUE(source.ok()) << source.status();
  AnnotatedImage image;
  EXPECT_THAT(std::string((*source)->Next(&image).status().message()), HasSubstr("lll/a.txt"));
}

}  // namespace
}  // namespace hardface::data
