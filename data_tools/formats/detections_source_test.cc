#include "data_tools/formats/detections_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"
#include "base/provenance.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Exact in floats, so that results can be compared.
testing::Matcher<const Face&> FaceIs(const Rect& box) {
  return AllOf(testing::Field(&Face::box, box), testing::Field(&Face::ignore, false));
}
testing::Matcher<const Face&> IgnoredIs(const Rect& box) {
  return AllOf(testing::Field(&Face::box, box), testing::Field(&Face::ignore, true));
}

TEST(AgreeOnFacesTest, TwoThatAgreeAreAFaceBetweenThem) {
  // IoU 80 / 120 = 0.67.
  EXPECT_THAT(AgreeOnFaces({{{{10, 10, 10, 10}, 0.9f}}, {{{12, 10, 10, 10}, 0.35f}}}, {}, {}, {}),
              ElementsAre(FaceIs({11, 10, 10, 10})));
}

TEST(AgreeOnFacesTest, WhatOneAloneHasIsIgnoredOrNothing) {
  EXPECT_THAT(
      AgreeOnFaces({{{{10, 10, 10, 10}, 0.5f}, {{50, 10, 10, 10}, 0.49f}}, {{{80, 10, 10, 10}, 0.3f}}}, {}, {}, {}),
      ElementsAre(IgnoredIs({10, 10, 10, 10}), IgnoredIs({80, 10, 10, 10})));
  // Scores too low to agree, one high enough for a doubt.
  EXPECT_THAT(AgreeOnFaces({{{{10, 10, 10, 10}, 0.9f}}, {{{10, 10, 10, 10}, 0.29f}}}, {}, {}, {}),
              ElementsAre(IgnoredIs({10, 10, 10, 10})));
  // An IoU of 1 / 3 is no agreement, and two doubts.
  EXPECT_THAT(AgreeOnFaces({{{{10, 10, 10, 10}, 0.9f}}, {{{15, 10, 10, 10}, 0.9f}}}, {}, {}, {}),
              ElementsAre(IgnoredIs({10, 10, 10, 10}), IgnoredIs({15, 10, 10, 10})));
}

TEST(AgreeOnFacesTest, OneDetectorAlone) {
  AgreementRules rules;
  rules.agree_scores = {0.7};
  rules.doubt_scores = {0.2};
  EXPECT_THAT(
      AgreeOnFaces({{{{10, 10, 10, 10}, 0.7f}, {{50, 10, 10, 10}, 0.5f}, {{90, 10, 10, 10}, 0.1f}}}, rules, {}, {}),
      ElementsAre(FaceIs({10, 10, 10, 10}), IgnoredIs({50, 10, 10, 10})));
}

TEST(AgreeOnFacesTest, ADetectorsOwnDoublesAreSuppressedFirst) {
  AgreementRules rules;
  rules.agree_scores = {0.4};
  EXPECT_THAT(AgreeOnFaces({{{{11, 10, 10, 10}, 0.6f}, {{10, 10, 10, 10}, 0.9f}}}, rules, {}, {}),
              ElementsAre(FaceIs({10, 10, 10, 10})));
}

TEST(AgreeOnFacesTest, PeoplesBoxesAreConfirmedOrIgnored) {
  Face with_pair{{10, 10, 12, 12}, false, {{"blur", 1}}}, with_one{{50, 10, 10, 12}}, alone{{90, 10, 10, 10}};
  Face doubted{{130, 10, 10, 10}, true};
  const auto faces = AgreeOnFaces(
      {{{{10, 10, 10, 10}, 0.9f}, {{50, 10, 10, 10}, 0.41f}, {{130, 10, 10, 10}, 0.45f}}, {{{10, 10, 10, 10}, 0.9f}}},
      {}, {with_pair, with_one, alone, doubted}, {});
  EXPECT_THAT(faces, ElementsAre(FaceIs({10, 10, 10, 10}), FaceIs({50, 10, 10, 10}), IgnoredIs({90, 10, 10, 10}),
                                 IgnoredIs({130, 10, 10, 10})));
  EXPECT_EQ(faces[0].attributes["blur"], 1) << "what people say of a face stays";
}

TEST(AgreeOnFacesTest, HeadsThatNoFaceCoversAreIgnoredAreas) {
  AgreementRules rules;
  rules.agree_scores = {0.4};
  const std::vector<std::vector<Detection>> one_face = {{{{100, 100, 20, 20}, 0.9f}}};
  // Covered: a quarter beside, 0.6 above. Not covered: further up, and below.
  EXPECT_THAT(AgreeOnFaces(one_face, rules, {}, {{95, 100}, {125, 120}, {110, 88}}), SizeIs(1));
  EXPECT_THAT(AgreeOnFaces(one_face, rules, {}, {{110, 87}, {110, 121}, {94, 100}}), SizeIs(4));
  // 20 pixels high: 24 wide and 28 high about (200, 102).
  EXPECT_THAT(AgreeOnFaces(one_face, rules, {}, {{200, 100}}),
              ElementsAre(FaceIs({100, 100, 20, 20}), IgnoredIs({188, 88, 24, 28})));
  const Face without_faces = AgreeOnFaces({{}}, rules, {}, {{100, 100}})[0];
  EXPECT_FLOAT_EQ(without_faces.box.w, 1.2f * 16);
  const Face among_tiny = AgreeOnFaces({{{{10, 10, 4, 4}, 0.9f}}}, rules, {}, {{100, 100}})[1];
  EXPECT_FLOAT_EQ(among_tiny.box.h, 1.4f * 8);
}

class OpenDetectionsTest : public ::testing::Test {
 protected:
  OpenDetectionsTest()
      : root_(::testing::TempDir() + "/detections_" + ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(root_);
    Write("images/a.jpg", "x");
    Write("images/sub/b.jpg", "x");
    options_.images = root_ + "/images";
  }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(root_ + "/" + name, text).ok());
  }

  std::string ErrorOf() { return std::string(OpenDetections(options_).status().message()); }

  const std::string root_;
  DetectionsOptions options_;
};

TEST_F(OpenDetectionsTest, PicturesAreFoundUnderTheNamesThatDetectGives) {
  Write("one.jsonl", R"({"image":"a.jpg","boxes":[[10,10,10,10,0.9]]})"
                     "\n"
                     R"({"image":"sub/b.jpg","boxes":[]})"
                     "\n"
                     R"({"image":"gone.jpg","boxes":[]})"
                     "\n");
  Write("two/detections.jsonl", R"({"image":")" + root_ +
                                    R"(/images/a.jpg","boxes":[[10,10,10,10,0.9]]})"
                                    "\n"
                                    R"({"image":")" +
                                    root_ +
                                    R"(/images/./sub/b.jpg","boxes":[]})"
                                    "\n");
  options_.files = {root_ + "/one.jsonl", root_ + "/two"};
  const auto source = OpenDetections(options_);
  ASSERT_TRUE(source.ok()) << source.status();
  AnnotatedImage image;
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_EQ(image.candidates[0], "a.jpg");
  EXPECT_THAT(image.faces, SizeIs(1));
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_THAT(image.faces, IsEmpty());
  EXPECT_FALSE(*(*source)->Next(&image));
  ASSERT_THAT((*source)->findings(), SizeIs(1));
  EXPECT_EQ((*source)->findings()[0].image, "gone.jpg");
}

TEST_F(OpenDetectionsTest, APictureWithoutALineIsAnError) {
  Write("one.jsonl", R"({"image":"a.jpg","boxes":[]})"
                     "\n"
                     R"({"image":"sub/b.jpg","flip":true,"boxes":[]})"
                     "\n");
  options_.files = {root_ + "/one.jsonl"};
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("one.jsonl"), HasSubstr("no line for the picture sub/b.jpg")));
}

TEST_F(OpenDetectionsTest, PeoplesBoxesAndHeadsOfTheSamePictures) {
  Write("one.jsonl", R"({"image":"a.jpg","boxes":[]})"
                     "\n"
                     R"({"image":"sub/b.jpg","boxes":[]})"
                     "\n");
  options_.files = {root_ + "/one.jsonl"};
  Write("heads.csv", "image,x,y\nsub/b.jpg,100,50\n");
  options_.head_points = root_ + "/heads.csv";
  const auto writer = DatasetWriter::Create(root_ + "/human", {"../images"});
  ASSERT_TRUE(writer.ok()) << writer.status();
  DatasetEntry entry;
  entry.image = "a.jpg";
  entry.faces.push_back({{1, 2, 3, 4}});
  ASSERT_TRUE((*writer)->Write(entry).ok());
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  options_.annotations = root_ + "/human";
  const auto source = OpenDetections(options_);
  ASSERT_TRUE(source.ok()) << source.status();
  AnnotatedImage a, b;
  ASSERT_TRUE(*(*source)->Next(&a) && *(*source)->Next(&b));
  ASSERT_THAT(a.faces, SizeIs(1));
  EXPECT_TRUE(a.faces[0].ignore) << "nobody confirms it";
  ASSERT_THAT(b.faces, SizeIs(1));
  EXPECT_TRUE(b.faces[0].ignore);
  options_.images = root_ + "/images/sub";
  Write("one.jsonl", R"({"image":"b.jpg","boxes":[]})"
                     "\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("is about none of the pictures"));
}

TEST_F(OpenDetectionsTest, TheNumberOfFilesAndScoresMustFit) {
  EXPECT_THAT(ErrorOf(), HasSubstr("one file of detections, or two"));
  options_.files = {"a", "b"};
  options_.rules.agree_scores = {0.5};
  EXPECT_THAT(ErrorOf(), HasSubstr("one number for each file"));
  options_.rules.agree_scores = options_.rules.doubt_scores = {0.5, 0.5};
  Write("d/detections.jsonl", "");
  options_.files = {root_ + "/d", root_ + "/d/../d/detections.jsonl"};
  EXPECT_THAT(ErrorOf(), HasSubstr("are one file"));
}

}  // namespace
}  // namespace hardface::data
