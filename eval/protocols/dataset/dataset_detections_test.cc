#include "eval/protocols/dataset/dataset_detections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

data::Dataset ThreeImages() {
  data::Dataset dataset;
  for (const char* name : {"train/0--A/one.jpg", "train/0--A/two.jpg", "train/1--B/three.png"}) {
    dataset.entries.emplace_back().image = name;
  }
  dataset.entries.push_back(dataset.entries[0]);
  dataset.entries.back().flip = true;
  return dataset;
}

std::string Tree(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) {
  const std::string folder = ::testing::TempDir() + "/dataset_detections_test_" + name;
  for (const auto& [path, text] : files) EXPECT_TRUE(WriteFileAtomically(folder + "/" + path, text).ok());
  return folder;
}

TEST(ReadDatasetDetections, ReadsTreesOfTexts) {
  const std::string folder = Tree("tree", {{"0--A/one.txt", "one\n2\n1 2 30 40 0.5 \n5 6 7 8 0.25 \n"},
                                           {"0--A/two.txt", "0--A/one.jpg\n0\n"},
                                           {"0--A/four.txt", "four\n0\n"}});
  const auto found = ReadDatasetDetections(folder, ThreeImages(), {});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->images.size(), 2u);
  EXPECT_EQ(found->images[0].image, "train/0--A/one.jpg");
  EXPECT_FALSE(found->images[0].flip);
  ASSERT_EQ(found->images[0].boxes.size(), 2u);
  EXPECT_EQ(found->images[0].boxes[1].box.w, 7);
  EXPECT_EQ(found->images[0].boxes[1].score, 0.25f);
  EXPECT_EQ(found->places[0].box_lines, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(found->layout.count("extra result files"), 1);
  EXPECT_EQ(found->layout.count("files whose first line names another image"), 1);
  EXPECT_FALSE(found->hash.empty());
}

TEST(ReadDatasetDetections, ErrorsOfTreesNameTheFile) {
  const auto message = [](const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) {
    return std::string(ReadDatasetDetections(Tree(name, files), ThreeImages(), {}).status().message());
  };
  EXPECT_THAT(message("broken", {{"0--A/one.txt", "one\n1\n1 2 3\n"}}), HasSubstr("0--A/one.txt:3"));
  EXPECT_THAT(message("negative", {{"0--A/one.txt", "one\n1\n9 9 -4 4 0.5\n"}}), HasSubstr("one.txt:3: width or"));
  EXPECT_THAT(message("huge", {{"0--A/one.txt", "one\n1\n9 9 4 4 1e300\n"}}), HasSubstr("one.txt:3: holds a number"));
  EXPECT_THAT(message("yolo", {{"0--A/one.txt", "0 0.5 0.5 0.1 0.1 0.9\n0 0.2 0.5 0.1 0.1 0.8\n"}}),
              HasSubstr("one.txt:2: expected the number of boxes"));
  EXPECT_THAT(message("twice", {{"0--A/one.txt", "one\n0\n"}, {"x/0--A/one.txt", "one\n0\n"}}),
              HasSubstr("are results of the same image"));
  EXPECT_THAT(message("others", {{"0--A/nine.txt", "nine\n0\n"}}), HasSubstr("called like train/0--A/one.jpg"));
  data::Dataset alike = ThreeImages();
  alike.entries[1].image = "val/0--A/one.jpg";
  const auto several = ReadDatasetDetections(Tree("alike", {{"0--A/one.txt", "one\n0\n"}}), alike, {});
  EXPECT_THAT(std::string(several.status().message()), HasSubstr("could be the results of several images"));
}

TEST(ReadDatasetDetections, ReadsCocosResultsAndLinesOfJson) {
  const std::string folder = Tree(
      "others", {{"results.json", R"([{"image_id":"three","category_id":1,"bbox":[1,2,3,4],"score":0.5}])"},
                 {"lines.jsonl", "\n{\"image\":\"train/0--A/one.jpg\",\"flip\":true,\"boxes\":[[1,2,3,4,0.5]]}\n"}});
  const auto coco = ReadDatasetDetections(folder + "/results.json", ThreeImages(), {});
  ASSERT_TRUE(coco.ok()) << coco.status();
  ASSERT_EQ(coco->images.size(), 1u);
  EXPECT_EQ(coco->images[0].image, "train/1--B/three.png");
  EXPECT_EQ(coco->places[0].unit, ": element ");
  EXPECT_TRUE(coco->lists_only_found);
  const auto lines = ReadDatasetDetections(folder + "/lines.jsonl", ThreeImages(), {});
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_TRUE(lines->images[0].flip);
  EXPECT_EQ(lines->places[0].line, 2);
}

}  // namespace
}  // namespace hardface::eval
