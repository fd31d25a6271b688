#include "eval/protocols/wider/wider_detections.h"

#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

WiderGroundTruth Truth() {
  WiderFace face;
  face.x = 100;
  face.y = 100;
  face.w = face.h = 40;
  face.subsets = 1;
  WiderGroundTruth truth;
  truth.subsets = {"easy"};
  truth.images = {{"0--A", "one", {face}}, {"0--A", "two", {face}}, {"1--B", "three", {face}}};
  return truth;
}

// Writes a result tree of made-up files and returns its folder.
std::string Tree(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) {
  const std::string folder = testing::TempDir() + "/" + name;
  for (const auto& [path, text] : files) EXPECT_TRUE(WriteFileAtomically(folder + "/" + path, text).ok());
  return folder;
}

TEST(ReadWiderDetections, JoinsByEventAndNameAndSortsStably) {
  const std::string folder = Tree("joined", {{"deep/0--A/one.txt", "one\n3\n1 0 9 9 0.2\n2 0 9 9 0.8\n3 0 9 9 0.2\n"},
                                             {"deep/0--A/two.txt", "two\n0\n"},
                                             {"deep/1--B/three.txt", "three\n1\n0 0 9 9 0.5\n"}});
  const auto found = ReadWiderDetections(folder, Truth(), {}, 2);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->images[0].size(), 3u);
  EXPECT_EQ(found->images[0][0].x, 2);
  EXPECT_EQ(found->images[0][1].x, 1);
  EXPECT_EQ(found->images[0][2].x, 3);
  EXPECT_EQ(found->missing, 0);
  EXPECT_TRUE(found->layout.empty()) << found->layout.Text();
}

TEST(ReadWiderDetections, ReportsMissingAndExtraFiles) {
  const std::string folder =
      Tree("missing", {{"0--A/one.txt", "one\n1\n0 0 9 9 0.5\n"}, {"0--A/four.txt", "four\n1\n0 0 9 9 0.5\n"}});
  const auto found = ReadWiderDetections(folder, Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->missing, 2);
  EXPECT_EQ(found->layout.count("missing result files"), 2);
  EXPECT_EQ(found->layout.count("extra result files"), 1);
  EXPECT_NE(found->layout.Text().find("four.txt"), std::string::npos);
  EXPECT_NE(found->layout.Text().find("1--B/three"), std::string::npos);
  EXPECT_FALSE(found->layout.Resolve(/*strict=*/true).ok());
}

TEST(ReadWiderDetections, TwoFilesOfOneImageAreAnError) {
  const std::string folder =
      Tree("doubled", {{"a/0--A/one.txt", "one\n1\n0 0 9 9 0.5\n"}, {"b/0--A/one.txt", "one\n1\n0 0 9 9 0.6\n"}});
  EXPECT_FALSE(ReadWiderDetections(folder, Truth(), {}, 1).ok());
}

TEST(ReadWiderDetections, NothingInCommonAndNoBoxesAreErrors) {
  EXPECT_FALSE(ReadWiderDetections(Tree("other", {{"x/y.txt", "y\n1\n0 0 9 9 0.5\n"}}), Truth(), {}, 1).ok());
  EXPECT_FALSE(ReadWiderDetections(Tree("empty", {{"0--A/one.txt", "one\n0\n"}}), Truth(), {}, 1).ok());
  EXPECT_FALSE(ReadWiderDetections(testing::TempDir() + "/not_there", Truth(), {}, 1).ok());
}

TEST(ReadWiderDetections, SeesCornersInsteadOfExtents) {
  const std::string corners = "x\n1\n100 100 140 140 0.9\n", extents = "x\n1\n100 100 40 40 0.9\n";
  const char* kind = "results of corners instead of extents";
  const auto wrong = ReadWiderDetections(
      Tree("corners", {{"0--A/one.txt", corners}, {"0--A/two.txt", corners}, {"1--B/three.txt", corners}}), Truth(), {},
      1);
  ASSERT_TRUE(wrong.ok()) << wrong.status();
  EXPECT_EQ(wrong->layout.count(kind), 3);
  EXPECT_NE(wrong->layout.Text().find("0--A/two.txt:3"), std::string::npos) << wrong->layout.Text();
  const auto right = ReadWiderDetections(
      Tree("extents", {{"0--A/one.txt", extents}, {"0--A/two.txt", extents}, {"1--B/three.txt", extents}}), Truth(), {},
      1);
  ASSERT_TRUE(right.ok()) << right.status();
  EXPECT_EQ(right->layout.count(kind), 0);
  const auto mixed = ReadWiderDetections(
      Tree("mixed", {{"0--A/one.txt", extents}, {"0--A/two.txt", corners}, {"1--B/three.txt", extents}}), Truth(), {},
      1);
  ASSERT_TRUE(mixed.ok()) << mixed.status();
  EXPECT_EQ(mixed->layout.count(kind), 1);
  EXPECT_NE(mixed->layout.Csv().find("0--A/two.txt:3"), std::string::npos) << mixed->layout.Csv();
}

TEST(ReadWiderDetections, ReportsFilesThatNameAnotherImage) {
  const std::string box = "\n1\n0 0 9 9 0.5\n";
  const auto found = ReadWiderDetections(Tree("swapped", {{"0--A/one.txt", "0--A/two.jpg" + box},
                                                          {"0--A/two.txt", "0--A/one.jpg" + box},
                                                          {"1--B/three.txt", "1--B/three.jpg" + box}}),
                                         Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->layout.count("files whose first line names another image"), 2) << found->layout.Text();
  EXPECT_NE(found->layout.Text().find("0--A/one.txt:1 (\"0--A/two.jpg\")"), std::string::npos) << found->layout.Text();
}

TEST(ReadWiderDetections, SaysThatAFolderIsNoFile) {
  const std::string folder = Tree("folders", {{"0--A/one.txt", "one\n1\n0 0 9 9 0.5\n"}, {"0--A/two.txt/inside", ""}});
  const auto found = ReadWiderDetections(folder, Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->layout.count("folders that bear a result file's name"), 1);
  EXPECT_NE(found->layout.Text().find("directory, not a file"), std::string::npos) << found->layout.Text();
  EXPECT_NE(found->layout.Text().find("0--A/two.txt"), std::string::npos) << found->layout.Text();
}

TEST(ReadWiderDetections, PathsThatCannotBeLookedAtAreErrorsThatNameThem) {
  const std::string path = testing::TempDir() + "/" + std::string(300, 'x');
  const auto found = ReadWiderDetections(path, Truth(), {}, 1);
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.status().message().find("xxx"), std::string::npos) << found.status();
  EXPECT_FALSE(ReadWiderGroundTruth(path, /*with_labels=*/false).ok());
}

TEST(ReadWiderDetections, SeesAFileOnAnotherScale) {
  std::string many = "x\n30\n";
  for (int i = 0; i < 30; ++i) many += std::to_string(i) + " 0 9 9 0.5\n";
  const auto found = ReadWiderDetections(
      Tree("scales", {{"0--A/one.txt", many}, {"0--A/two.txt", many}, {"1--B/three.txt", "x\n1\n0 0 9 9 87\n"}}),
      Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->layout.count("results on two scales of scores"), 1);
  EXPECT_NE(found->layout.Text().find("three.txt:3"), std::string::npos);
}

TEST(ReadWiderDetections, SeesTheScoreInTheFirstColumnAndFractions) {
  const auto score_first = ReadWiderDetections(Tree("score_first", {{"0--A/one.txt", "one\n1\n0.9 100 100 40 40\n"},
                                                                    {"0--A/two.txt", "two\n1\n0.8 101 100 40 40\n"},
                                                                    {"1--B/three.txt", "three\n0\n"}}),
                                               Truth(), {}, 1);
  ASSERT_TRUE(score_first.ok()) << score_first.status();
  EXPECT_EQ(score_first->layout.count("results whose first column looks like scores"), 2);
  EXPECT_NE(score_first->layout.Text().find("0--A/one.txt:3"), std::string::npos) << score_first->layout.Text();
  const auto fractions = ReadWiderDetections(Tree("fractions", {{"0--A/one.txt", "one\n1\n0.5 0.5 0.2 0.2 0.9\n"},
                                                                {"0--A/two.txt", "two\n1\n100 100 40 40 0.8\n"},
                                                                {"1--B/three.txt", "three\n0\n"}}),
                                             Truth(), {}, 1);
  ASSERT_TRUE(fractions.ok()) << fractions.status();
  EXPECT_EQ(fractions->layout.count("results of fractions instead of pixels"), 1);
  EXPECT_FALSE(fractions->layout.Resolve(/*strict=*/true).ok());
}

TEST(ReadWiderDetections, ReadsCocosResults) {
  const std::string folder = Tree("coco", {{"results.json",
                                            R"([{"image_id":"0--A/one","category_id":1,"bbox":[1,2,3,4],"score":0.25},
                         {"image_id":"1--B/three.jpg","category_id":1,"bbox":[100,100,40,40],"score":0.5},
                         {"image_id":"0--A/one","category_id":1,"bbox":[5,6,7,8],"score":0.75},
                         {"image_id":"0--A/one","category_id":1,"bbox":[5,6,7,8],"score":0.75}])"}});
  const auto found = ReadWiderDetections(folder + "/results.json", Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->images[0].size(), 3u);
  EXPECT_EQ(found->images[0][0].x, 5);  // falling score
  EXPECT_EQ(found->images[0][2].x, 1);
  EXPECT_EQ(found->images[2].size(), 1u);
  EXPECT_EQ(found->boxes, 4);
  EXPECT_EQ(found->missing, 1);
  EXPECT_EQ(found->layout.count("images without a detection"), 1);
  EXPECT_NE(found->layout.Text().find("results.json: element 4 (0--A/one)"), std::string::npos) << found->layout.Text();
}

TEST(ReadWiderDetections, SaysWhereNoFaceCounts) {
  WiderGroundTruth truth = Truth();
  for (WiderImage& image : truth.images) image.faces[0].subsets = 0;
  const auto found = ReadWiderDetections(Tree("faceless", {{"0--A/one.txt", "one\n1\n0 0 9 9 0.5\n"}}), truth, {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->layout.count("ground truths without a face that counts"), 1);
}

TEST(ReadWiderDetections, ReadsDetectionsJsonl) {
  const std::string folder = Tree("jsonl", {{"detections.jsonl",
                                             "{\"image\":\"images/0--A/one.jpg\",\"boxes\":[[1,2,3,4,0.5]]}\n"
                                             "{\"image\":\"1--B/three.jpg\",\"boxes\":[]}\n"}});
  const auto found = ReadWiderDetections(folder, Truth(), {}, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->images[0].size(), 1u);
  EXPECT_EQ(found->missing, 1);
}

}  // namespace
}  // namespace hardface::eval
