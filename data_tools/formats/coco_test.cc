#include "data_tools/formats/coco.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kJson[] = R"({
  "images": [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 480}, {"id": "x", "file_name": "b/c.png"}],
  "annotations": [
    {"id": 1, "image_id": 7, "category_id": 2, "bbox": [1, 2.5, 3, 4], "iscrowd": 0, "attributes": {"blur": 1}},
    {"id": 2, "image_id": "x", "category_id": 1, "bbox": [5, 6, 7, 8], "iscrowd": 1},
    {"id": 3, "image_id": 7, "category_id": 1.0, "bbox": [0, 0, 1, 1], "ignore": true}],
  "categories": [{"id": 1, "name": "face"}, {"id": 2, "name": "mask"}]})";

std::string ErrorOf(const std::string& text) { return std::string(ParseCoco(text, "c.json").status().message()); }

TEST(ParseCocoTest, JoinsImagesAnnotationsAndCategories) {
  const auto content = ParseCoco(kJson, "c.json");
  ASSERT_TRUE(content.ok()) << content.status();
  const std::vector<AnnotatedImage>& images = content->images;
  ASSERT_THAT(images, SizeIs(2));
  const AnnotatedImage& a = images[0];
  EXPECT_THAT(a.candidates, ElementsAre("a.jpg"));
  EXPECT_EQ(a.declared_width, 640);
  ASSERT_THAT(a.faces, SizeIs(2));
  EXPECT_EQ(a.faces[0].y, 2.5);
  EXPECT_EQ(a.faces[0].h, 4);
  EXPECT_EQ(a.faces[0].class_name, "mask");
  EXPECT_EQ(a.faces[0].attributes.dump(), R"({"blur":1})");
  EXPECT_FALSE(a.faces[0].ignore);
  EXPECT_TRUE(a.faces[1].ignore);
  EXPECT_EQ(a.faces[1].class_name, "face");
  EXPECT_TRUE(images[1].faces[0].ignore) << "crowd";
}

TEST(ParseCocoTest, ErrorsNamePlaceAndValue) {
  EXPECT_THAT(ErrorOf("{"), AllOf(HasSubstr("c.json"), HasSubstr("not valid JSON")));
  EXPECT_THAT(ErrorOf("7"), AllOf(HasSubstr("c.json"), HasSubstr("not a JSON object")));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("COCO's results"));
  EXPECT_THAT(ErrorOf("{\"images\":[]}"), HasSubstr("no list \"annotations\""));
  EXPECT_THAT(ErrorOf(R"({"images":[{"id":1}],"annotations":[]})"), HasSubstr("images[0] is {\"id\":1}"));
  EXPECT_THAT(ErrorOf(R"({"images":[{"id":1,"file_name":"a"},{"id":1,"file_name":"b"}],"annotations":[]})"),
              HasSubstr("id 1 of an earlier image"));
  EXPECT_THAT(ErrorOf(R"({"images":[{"file_name":"a"}],"annotations":[]})"), HasSubstr("has the id null"));
  const auto content =
      ParseCoco(R"({"images":[{"id":1,"file_name":"a"}],"annotations":[{"image_id":1,"bbox":[1,2,"3",4]}]})", "c.json");
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(content->images[0].errors, ElementsAre(HasSubstr("annotations[0]: \"bbox\" is [1,2,\"3\",4]")));
}

AnnotatedImage ImageOf(const std::string& category_id, const std::string& categories) {
  const auto content =
      ParseCoco(R"({"images":[{"id":1,"file_name":"a"}],"annotations":[{"image_id":1,"bbox":[1,2,3,4])" + category_id +
                    R"(}],"categories":[)" + categories + "]}",
                "c.json");
  return content.ok() ? content->images[0] : AnnotatedImage();
}

TEST(ParseCocoTest, ACategoryThatIsNotListedIsNoFace) {
  const std::string one = R"({"id":1,"name":"face"})", two = one + R"(,{"id":2,"name":"mask"})";
  EXPECT_THAT(ImageOf(R"(,"category_id":9)", one).errors,
              ElementsAre(HasSubstr("annotations[0]: \"category_id\" is 9")));
  EXPECT_THAT(ImageOf("", two).errors, ElementsAre(HasSubstr("\"category_id\" is null")));
  EXPECT_THAT(ImageOf(R"(,"category_id":9)", one).faces, SizeIs(0));
  EXPECT_EQ(ImageOf("", one).faces.at(0).class_name, "face");
  EXPECT_EQ(ImageOf(R"(,"category_id":9)", "").faces.at(0).class_name, "") << "a file without names";
}

TEST(ParseCocoTest, ACategoryOfTwoNamesIsAFinding) {
  const auto content =
      ParseCoco(R"({"images":[],"annotations":[],"categories":[{"id":1,"name":"face"},{"id":2,"name":"head"},)"
                R"({"id":1.0,"name":"person"},{"id":2,"name":"head"}]})",
                "c.json");
  ASSERT_TRUE(content.ok()) << content.status();
  ASSERT_EQ(content->findings.size(), 1u);
  EXPECT_TRUE(content->findings[0].is_error);
  EXPECT_THAT(content->findings[0].message, HasSubstr("gives the id 1.0 to \"face\" and to \"person\""));
}

TEST(ParseCocoTest, WhatIsNoJsonIsNamedByLineAndColumn) {
  EXPECT_THAT(ErrorOf("{\"images\":[],\n\"annotations\":[{\"score\":NaN}]}"),
              AllOf(HasSubstr("c.json"), HasSubstr("line 2, column 2")));
}

TEST(ParseCocoTest, AnAnnotationOfNoImageIsAFinding) {
  const auto content =
      ParseCoco(R"({"images":[{"id":1,"file_name":"a"}],"annotations":[{"image_id":1.0,"bbox":[1,2,3,4]},)"
                R"({"image_id":3,"bbox":[1,2,3,4]},{"bbox":[1,2,3,4]},{"image_id":"1","bbox":[1,2,3,4]}]})",
                "c.json");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_THAT(content->images[0].faces, SizeIs(1)) << "1 and 1.0 are one id";
  ASSERT_THAT(content->findings, SizeIs(3));
  EXPECT_TRUE(content->findings[0].is_error);
  EXPECT_THAT(content->findings[0].message, AllOf(HasSubstr("annotations[1]"), HasSubstr("image_id is unknown")));
}

TEST(ParseCocoTest, FlagsAreTruthValuesInTheWordsOfAllPrograms) {
  const auto content = ParseCoco(
      R"({"images":[{"id":1,"file_name":"a"}],"annotations":[{"image_id":1,"bbox":[1,2,3,4],"iscrowd":"True"},)"
      R"({"image_id":1,"bbox":[1,2,3,4],"iscrowd":1.0},{"image_id":1,"bbox":[1,2,3,4],"iscrowd":false,"ignore":0},)"
      R"({"image_id":1,"bbox":[1,2,3,4],"ignore":2}]})",
      "c.json");
  ASSERT_TRUE(content.ok()) << content.status();
  const AnnotatedImage& image = content->images[0];
  EXPECT_TRUE(image.faces[0].ignore);
  EXPECT_TRUE(image.faces[1].ignore);
  EXPECT_FALSE(image.faces[2].ignore);
  EXPECT_THAT(image.errors, ElementsAre(HasSubstr("annotations[3]: \"ignore\" is 2")));
}

TEST(OpenCocoTest, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "/coco_test.json";
  ASSERT_TRUE(WriteFileAtomically(path, kJson).ok());
  EXPECT_EQ((*OpenCoco(path))->size(), 2);
  EXPECT_EQ(OpenCoco(path + ".none").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hardface::data
