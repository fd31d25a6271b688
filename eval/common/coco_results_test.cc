#include "eval/common/coco_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kImages = {"val/000000000139.jpg", "val/000000000285.jpg", "extra/party.jpg"};

std::string Written(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/coco_results_test_" + name;
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

absl::StatusOr<CocoResults> Read(const std::string& text, const CocoResultOptions& options = {}) {
  return ReadCocoResults(Written("results.json", text), options, kImages);
}
std::string Message(const std::string& text, const CocoResultOptions& options = {}) {
  return std::string(Read(text, options).status().message());
}

std::string Element(const std::string& id, const std::string& box = "[1,2,30,40]", const std::string& score = "0.5",
                    int category = 1) {
  return absl::StrCat("{\"image_id\":", id, ",\"category_id\":", category, ",\"bbox\":", box, ",\"score\":", score,
                      "}");
}

TEST(CocoResults, FindsImagesByNumberPathAndFileName) {
  const auto results =
      Read(absl::StrCat("\xef\xbb\xbf\n[", Element("139"), ",", Element("\"party\"", "[5,6,7,8.5]", "-2"), ",",
                        Element("139.0", "[9,9,9,9]"), ",", Element("\"val/000000000285.jpg\""), "]"));
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_TRUE(results->layout.empty()) << results->layout.Text();
  ASSERT_EQ(results->images[0].size(), 2u);
  EXPECT_EQ(results->images[0][1].x, 9);
  EXPECT_EQ(results->images[0][1].line, 3);
  ASSERT_EQ(results->images[2].size(), 1u);
  EXPECT_EQ(results->images[2][0].h, 8.5);
  EXPECT_EQ(results->images[2][0].score, -2);
  EXPECT_EQ(results->images[1].size(), 1u);
}

TEST(CocoResults, AnnotationsSayWhichFileAnIdIs) {
  CocoResultOptions options;
  options.annotations = Written("annotations.json", R"({"images":[{"id":7,"file_name":"000000000285.jpg"},
      {"id":8,"file_name":"party.jpg"},{"id":9,"file_name":"elsewhere.jpg"}],"annotations":[]})");
  const auto results = Read(absl::StrCat("[", Element("7"), ",", Element("8"), ",", Element("9"), "]"), options);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(results->images[1].size(), 1u);
  EXPECT_EQ(results->images[2].size(), 1u);
  EXPECT_EQ(results->layout.count("detections of images that the dataset lacks"), 1);
  EXPECT_EQ(results->layout.count("images without a detection"), 1);
  EXPECT_THAT(Message("[" + Element("10") + "]", options), HasSubstr("element 1 has the image_id 10, which is not"));
  options.annotations = Written("no_images.json", "{}");
  EXPECT_THAT(Message("[" + Element("7") + "]", options), HasSubstr("has no list \"images\""));
  options.annotations = Written("twice.json", R"({"images":[{"id":7,"file_name":"a"},{"id":7.0,"file_name":"b"}]})");
  EXPECT_THAT(Message("[" + Element("7") + "]", options), HasSubstr("images[1] has the id 7.0 of an earlier image"));
}

TEST(CocoResults, SeveralCategoriesNeedAChoice) {
  const std::string two = absl::StrCat("[", Element("139"), ",", Element("285", "[1,2,3,4]", "0.5", 2), "]");
  EXPECT_THAT(Message(two), HasSubstr("element 2 is of category_id 2, the first of 1; choose"));
  CocoResultOptions options;
  options.category = 2;
  const auto results = Read(two, options);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_TRUE(results->images[0].empty());
  EXPECT_EQ(results->images[1].size(), 1u);
}

TEST(CocoResults, ErrorsNameFileAndElement) {
  const std::string good = Element("139");
  for (const std::string& bad : {Element("139", "[1,2,3]"), Element("139", "[1,2,-3,4]"), Element("139", "\"box\""),
                                 Element("139", "[1,2,3,4]", "null"), Element("139", "[1,2,3,4]", "\"0.5\""),
                                 std::string("7"), std::string("[]")}) {
    EXPECT_THAT(Message("[" + good + "," + bad + "]"), HasSubstr("results.json: element 2 is ")) << bad;
  }
  EXPECT_THAT(Message("[" + Element("null") + "]"), HasSubstr("element 1 has the image_id null"));
  EXPECT_THAT(Message("{\"annotations\":[]}"), HasSubstr("is no JSON list; expected detections"));
  EXPECT_THAT(Message("[" + good + ","), HasSubstr("results.json: not valid JSON"));
  EXPECT_THAT(Message("[]"), HasSubstr("holds no detection"));
  EXPECT_THAT(Message("[" + Element("4711") + "]"), HasSubstr("--coco_annotations"));
  const auto twice = ReadCocoResults(Written("results.json", "[" + Element("7") + "]"), {}, {"a/7.jpg", "b/7.jpg"});
  EXPECT_THAT(std::string(twice.status().message()), HasSubstr("could be several images"));
}

TEST(CocoResults, LongIdsAreComparedWhole) {
  const std::string folder(100, 'f');
  const std::vector<std::string> images = {folder + "/1.jpg", folder + "/2.jpg"};
  const std::string text =
      absl::StrCat("[", Element("\"" + images[0] + "\""), ",", Element("\"" + images[1] + "\"", "[5,6,7,8]"), "]");
  const auto results = ReadCocoResults(Written("long.json", text), {}, images);
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->images[0].size(), 1u);
  ASSERT_EQ(results->images[1].size(), 1u);
  EXPECT_EQ(results->images[1][0].x, 5);
}

}  // namespace
}  // namespace hardface::eval
