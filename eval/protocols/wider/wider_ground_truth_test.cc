#include "eval/protocols/wider/wider_ground_truth.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"
#include "data_tools/formats/mat_test_util.h"

namespace hardface::eval {
namespace {

// What one wider_*_val.mat says: one event, two images, three boxes.
struct MadeUp {
  bool doubles = false;
  double first_x = 1;
  std::vector<std::vector<double>> kept = {{1}, {2}};  // of the first image
  size_t label_rows = 2;
};

void WriteSubset(const std::string& folder, const std::string& subset, const MadeUp& made_up) {
  std::filesystem::create_directories(folder);
  matvar_t* first = made_up.doubles
                        ? data::NewDoubles(nullptr, {{made_up.first_x, 2, 3, 4}, {5, 6, 7, 8}}, 4)
                        : data::NewInt32s(nullptr, {{static_cast<int32_t>(made_up.first_x), 2, 3, 4}, {5, 6, 7, 8}}, 4);
  matvar_t* second =
      made_up.doubles ? data::NewDoubles(nullptr, {{0, 0, 0, 0}}, 4) : data::NewInt32s(nullptr, {{0, 0, 0, 0}}, 4);
  std::vector<matvar_t*> variables = {
      data::NewCells("event_list", {data::NewText(nullptr, "0--Made")}),
      data::NewCells("file_list",
                     {data::NewCells(nullptr, {data::NewText(nullptr, "one"), data::NewText(nullptr, "two")})}),
      data::NewCells("face_bbx_list", {data::NewCells(nullptr, {first, second})}),
      data::NewCells("gt_list", {data::NewCells(nullptr, {data::NewDoubles(nullptr, made_up.kept, 1),
                                                          data::NewDoubles(nullptr, {}, 0)})})};
  for (const char* label : kWiderLabelNames) {
    const std::vector<std::vector<double>> values(made_up.label_rows, {1});
    variables.push_back(data::NewCells(
        (std::string(label) + "_label_list").c_str(),
        {data::NewCells(nullptr, {data::NewDoubles(nullptr, values, 1), data::NewDoubles(nullptr, {{0}}, 1)})}));
  }
  data::WriteMat(folder + "/wider_" + subset + "_val.mat", variables);
}

std::string WriteAll(const std::string& name, const MadeUp& easy, const MadeUp& others) {
  const std::string folder = testing::TempDir() + "/" + name;
  WriteSubset(folder, "easy", easy);
  WriteSubset(folder, "medium", others);
  WriteSubset(folder, "hard", others);
  return folder;
}

TEST(WiderGroundTruth, ReadsBoxesSubsetsAndLabels) {
  MadeUp easy;
  easy.kept = {{2}};
  const auto truth = ReadWiderGroundTruth(WriteAll("good", easy, {}), /*with_labels=*/true);
  ASSERT_TRUE(truth.ok()) << truth.status();
  ASSERT_EQ(truth->images.size(), 2u);
  EXPECT_EQ(truth->subsets, (std::vector<std::string>{"easy", "medium", "hard"}));
  EXPECT_TRUE(truth->integer_boxes);
  EXPECT_EQ(truth->images[0].event, "0--Made");
  EXPECT_EQ(truth->images[1].name, "two");
  ASSERT_EQ(truth->images[0].faces.size(), 2u);
  EXPECT_EQ(truth->images[0].faces[1].w, 7);
  EXPECT_EQ(truth->images[0].faces[0].subsets, 0b110);
  EXPECT_EQ(truth->images[0].faces[1].subsets, 0b111);
  EXPECT_EQ(truth->images[1].faces[0].subsets, 0);
  EXPECT_EQ(truth->images[0].faces[0].labels[0], 1);
}

TEST(WiderGroundTruth, OlderFilesHoldDoubles) {
  MadeUp older;
  older.doubles = true;
  older.first_x = 1.5;
  const auto truth = ReadWiderGroundTruth(WriteAll("older", older, older), /*with_labels=*/false);
  ASSERT_TRUE(truth.ok()) << truth.status();
  EXPECT_FALSE(truth->integer_boxes);
  EXPECT_EQ(truth->images[0].faces[0].x, 1.5);
}

TEST(WiderGroundTruth, FilesOfTwoReleasesAreAnError) {
  MadeUp other;
  other.first_x = 9;
  const auto truth = ReadWiderGroundTruth(WriteAll("mixed", {}, other), /*with_labels=*/false);
  ASSERT_FALSE(truth.ok());
  EXPECT_NE(truth.status().message().find("0--Made/one"), std::string::npos) << truth.status();
}

TEST(WiderGroundTruth, WrongContentIsAnErrorWithItsPlace) {
  for (const double index : {0.0, 3.0, 1.5, -1.0}) {
    MadeUp bad;
    bad.kept = {{index}};
    const auto truth = ReadWiderGroundTruth(WriteAll("index", bad, {}), /*with_labels=*/false);
    ASSERT_FALSE(truth.ok()) << index;
    EXPECT_NE(truth.status().message().find("gt_list{1}{1}"), std::string::npos) << truth.status();
  }
  MadeUp twice;
  twice.kept = {{1}, {1}};
  EXPECT_FALSE(ReadWiderGroundTruth(WriteAll("twice", twice, {}), /*with_labels=*/false).ok());
  MadeUp labels;
  labels.label_rows = 1;
  EXPECT_FALSE(ReadWiderGroundTruth(WriteAll("labels", labels, {}), /*with_labels=*/true).ok());
  EXPECT_FALSE(ReadWiderGroundTruth(testing::TempDir() + "/not_there", /*with_labels=*/false).ok());
}

TEST(WiderGroundTruth, TakesADatasetWithSubsets) {
  const std::string folder = testing::TempDir() + "/dataset";
  ASSERT_TRUE(WriteFileAtomically(
                  folder + "/manifest.jsonl",
                  "{\"format\":\"hardface.dataset\",\"version\":1}\n"
                  "{\"image\":\"val/0--Made/one.jpg\",\"width\":9,\"height\":9,\"flip\":false,\"faces\":["
                  "{\"box\":[1,2,3,4],\"ignore\":false,\"attributes\":{\"subsets\":[\"medium\",\"hard\"],\"blur\":2}},"
                  "{\"box\":[1,2,3.5,4],\"ignore\":true,\"attributes\":{}}]}\n")
                  .ok());
  const auto truth = ReadWiderGroundTruth(folder, /*with_labels=*/false);
  ASSERT_TRUE(truth.ok()) << truth.status();
  EXPECT_EQ(truth->images[0].event, "0--Made");
  EXPECT_EQ(truth->images[0].name, "one");
  EXPECT_EQ(truth->images[0].faces[0].subsets, 0b110);
  EXPECT_EQ(truth->images[0].faces[0].labels[0], 2);
  EXPECT_EQ(truth->images[0].faces[1].subsets, 0);
  EXPECT_FALSE(truth->integer_boxes);
}

TEST(WiderKey, KeepsDotsInNames) {
  EXPECT_EQ(WiderKey("a/0--Made/x.y.jpg"), "0--Made/x.y");
  EXPECT_EQ(WiderKey("./0--Made/x.y.txt"), "0--Made/x.y");
  EXPECT_EQ(WiderKey("0--Made/x.y"), "0--Made/x.y");
  EXPECT_EQ(WiderKey("x.jpg"), "x");
}

}  // namespace
}  // namespace hardface::eval
