#include "data_tools/dataset/select_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace fs = std::filesystem;

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/select_test_" + name; }

DatasetEntry Entry(const std::string& image, std::vector<float> heights = {}) {
  DatasetEntry entry;
  entry.image = image;
  entry.width = entry.height = 500;
  for (size_t i = 0; i < heights.size(); ++i) {
    entry.faces.push_back({{1, 2, 3, heights[i]}, false, {{"blur", i}, {"class", i == 0 ? "mask" : "none"}}});
  }
  return entry;
}

std::string Make(const std::string& name, const std::vector<DatasetEntry>& entries, const std::string& root = "img") {
  const auto writer = DatasetWriter::Create(Temp(name), {root});
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const DatasetEntry& entry : entries) EXPECT_TRUE((*writer)->Write(entry).ok());
  EXPECT_TRUE((*writer)->Commit(Provenance()).ok());
  return Temp(name);
}

std::vector<std::string> Images(const std::string& dataset) {
  std::vector<std::string> images;
  const auto read = ReadDataset(dataset);
  EXPECT_TRUE(read.ok()) << read.status();
  for (const DatasetEntry& entry : read->entries) images.push_back(entry.image);
  return images;
}

// 80 images with one face, 20 with five; each also mirrored.
std::string MakeHundred() {
  std::vector<DatasetEntry> entries;
  for (int i = 0; i < 100; ++i) {
    DatasetEntry entry =
        Entry(absl::StrCat(i, ".jpg"), i < 80 ? std::vector<float>{9} : std::vector<float>{9, 9, 9, 9, 9});
    entries.push_back(entry);
    EXPECT_TRUE(MirrorEntry(&entry).ok());
    entries.push_back(entry);
  }
  return Make("hundred", entries);
}

TEST(SplitDatasetTest, KeepsProportionsStrataAndMirrorImagesTogether) {
  const auto counts = SplitDataset({MakeHundred(), {Temp("train"), Temp("val")}, {0.75, 0.25}, /*seed=*/1});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ((*counts)[0].images, 150);
  EXPECT_EQ((*counts)[1].images, 50);
  EXPECT_EQ((*counts)[0].faces, 2 * (60 + 15 * 5));
  EXPECT_EQ((*counts)[1].faces, 2 * (20 + 5 * 5));
  const std::vector<std::string> train = Images(Temp("train")), val = Images(Temp("val"));
  const std::set<std::string> in_train(train.begin(), train.end()), in_val(val.begin(), val.end());
  EXPECT_THAT(in_train, SizeIs(75));
  EXPECT_THAT(in_val, SizeIs(25));
  for (const std::string& image : in_val) EXPECT_EQ(in_train.count(image), 0u) << image;
}

TEST(SplitDatasetTest, DependsOnTheSeedOnly) {
  const std::string input = MakeHundred();
  ASSERT_TRUE(SplitDataset({input, {Temp("a1"), Temp("b1")}, {0.5, 0.5}, 1}).ok());
  ASSERT_TRUE(SplitDataset({input, {Temp("a2"), Temp("b2")}, {0.5, 0.5}, 1}).ok());
  ASSERT_TRUE(SplitDataset({input, {Temp("a3"), Temp("b3")}, {0.5, 0.5}, 2}).ok());
  EXPECT_EQ(Images(Temp("a1")), Images(Temp("a2")));
  EXPECT_NE(Images(Temp("a1")), Images(Temp("a3")));
}

// A new train beside an old val could hold the same images.
TEST(SplitDatasetTest, WhereOnePartCannotBePutInPlaceNoneIs) {
  const std::string input = MakeHundred();
  SplitOptions options;
  options.input = input;
  options.outputs = {Temp("together_a"), Temp("together_b")};
  options.fractions = {0.5, 0.5};
  for (const std::string& output : options.outputs) fs::remove_all(output);
  ASSERT_TRUE(SplitDataset(options).ok());
  const auto before = Images(options.outputs[0]), other = Images(options.outputs[1]);
  std::ofstream(options.outputs[1] + "/mine.txt") << "mine";
  options.seed = 2;
  EXPECT_THAT(std::string(SplitDataset(options).status().message()), HasSubstr("mine.txt"));
  EXPECT_EQ(Images(options.outputs[0]), before);
  fs::remove(options.outputs[1] + "/mine.txt");
  ASSERT_TRUE(SplitDataset(options).ok());
  EXPECT_NE(Images(options.outputs[0]), before);
  EXPECT_NE(Images(options.outputs[1]), other);
}

TEST(SplitDatasetTest, TheMirrorImageOfAnotherSpellingStaysWithItsImage) {
  std::vector<DatasetEntry> entries;
  for (int i = 0; i < 40; ++i) {
    entries.push_back(Entry(absl::StrCat("./", i, ".jpg"), {9}));
    entries.push_back(Entry(absl::StrCat(i, ".jpg"), {9}));
    entries.back().flip = true;
  }
  SplitOptions options;
  options.input = Make("spellings", entries);
  options.outputs = {Temp("spellings_a"), Temp("spellings_b")};
  options.fractions = {0.5, 0.5};
  ASSERT_TRUE(SplitDataset(options).ok());
  std::map<std::string, int> counts;
  for (const std::string& image : Images(options.outputs[0])) ++counts[image];
  for (const auto& [image, count] : counts) EXPECT_EQ(count, 2) << image;
}

TEST(SplitDatasetTest, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(SplitDataset({MakeHundred(), {Temp("x")}, {1, 2}, 1}).ok());
  EXPECT_FALSE(SplitDataset({MakeHundred(), {Temp("x"), Temp("x")}, {1, 2}, 1}).ok());
  EXPECT_FALSE(SplitDataset({MakeHundred(), {Temp("x"), Temp("y")}, {1, -2}, 1}).ok());
}

// Twenty pictures, each with a copy of another size under another name.
TEST(SplitDatasetTest, KeepsPicturesThatLookAlikeTogether) {
  fs::create_directories(Temp("alike_img"));
  std::vector<DatasetEntry> entries;
  for (int i = 0; i < 40; ++i) {
    cv::Mat coarse(6, 8, CV_8UC3), picture;
    cv::RNG random(static_cast<uint64_t>(i % 20 + 1));
    random.fill(coarse, cv::RNG::UNIFORM, 0, 255);
    cv::resize(coarse, picture, i < 20 ? cv::Size(160, 120) : cv::Size(80, 60), 0, 0, cv::INTER_CUBIC);
    entries.push_back(Entry(absl::StrCat(i, ".png"), {9}));
    ASSERT_TRUE(WritePng(Temp(absl::StrCat("alike_img/", i, ".png")), picture).ok());
  }
  SplitOptions options{Make("alike", entries, Temp("alike_img")), {Temp("alike_a"), Temp("alike_b")}, {0.7, 0.3}};
  const auto copies_apart = [&] {
    EXPECT_TRUE(SplitDataset(options).ok());
    const std::vector<std::string> images = Images(Temp("alike_b"));
    std::set<int> pictures;
    for (const std::string& image : images) pictures.insert(std::stoi(fs::path(image).stem().string()) % 20);
    return 2 * pictures.size() - images.size();
  };
  EXPECT_GT(copies_apart(), 0u);
  options.keep_alike_together = true;
  EXPECT_EQ(copies_apart(), 0u);
  EXPECT_THAT(Images(Temp("alike_b")), SizeIs(12));
  ASSERT_TRUE(fs::remove(Temp("alike_img/7.png")));
  EXPECT_THAT(std::string(SplitDataset(options).status().message()), HasSubstr("7.png"));
}

TEST(MergeDatasetsTest, ImagesOfDifferentFoldersStayInPlace) {
  const std::string a = Make("a", {Entry("1.jpg", {5})}, "../photos");
  const std::string b = Make("b", {Entry("1.jpg", {6}), Entry("2.jpg")}, "/data/set");
  const auto counts = MergeDatasets({{a, b}, Temp("deep/merged"), false});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 3);
  EXPECT_THAT(Images(Temp("deep/merged")), ElementsAre("../../photos/1.jpg", "/data/set/1.jpg", "/data/set/2.jpg"));
  const auto merged = ReadDataset(Temp("deep/merged"));
  EXPECT_EQ(fs::path(merged->image_paths[0]).lexically_normal(), fs::path(ReadDataset(a)->image_paths[0]));
}

TEST(MergeDatasetsTest, DoublesAreAnErrorOrSkipped) {
  const std::string a = Make("d1", {Entry("1.jpg", {5})}),
                    b = Make("d1b", {Entry("1.jpg"), Entry("2.jpg")}, "../select_test_d1/img");
  EXPECT_THAT(std::string(MergeDatasets({{a, b}, Temp("doubles"), false}).status().message()),
              HasSubstr("1.jpg came before"));
  const auto counts = MergeDatasets({{a, b}, Temp("doubles"), true});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 2);
  EXPECT_EQ(counts->faces, 1);
}

TEST(SubsetDatasetTest, FacesNotChosenAreIgnoredOrDropped) {
  const std::string input = Make("s", {Entry("0--Parade/a.jpg", {5, 50}), Entry("1--Party/b.jpg", {5})});
  SubsetOptions options;
  options.input = input;
  options.output = Temp("subset");
  options.min_height = 10;
  auto counts = SubsetDataset(options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 1);
  const auto dataset = ReadDataset(options.output);
  EXPECT_TRUE(dataset->entries[0].faces[0].ignore);
  EXPECT_FALSE(dataset->entries[0].faces[1].ignore);
  options.drop_others = options.keep_empty = true;
  counts = SubsetDataset(options);
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->images, 2);
  EXPECT_EQ(counts->faces, 1);
}

TEST(SubsetDatasetTest, ChoosesByPathAttributeAndNumber) {
  const std::string input =
      Make("p", {Entry("0--Parade/a.jpg", {5, 50}), Entry("1--Party/b.jpg", {5}), Entry("1--Party/c.jpg", {7})});
  SubsetOptions options;
  options.input = input;
  options.output = Temp("by_path");
  options.images = "^1--";
  ASSERT_TRUE(SubsetDataset(options).ok());
  EXPECT_THAT(Images(options.output), ElementsAre("1--Party/b.jpg", "1--Party/c.jpg"));
  options.limit = 1;
  ASSERT_TRUE(SubsetDataset(options).ok());
  EXPECT_THAT(Images(options.output), ElementsAre("1--Party/b.jpg"));
  options.limit = 0;
  options.images = "";
  options.attributes = {{"blur", "[1-9]"}, {"class", "none"}};
  ASSERT_TRUE(SubsetDataset(options).ok());
  EXPECT_THAT(Images(options.output), ElementsAre("0--Parade/a.jpg"));
  options.attributes = {{"blurr", "[1-9]"}};
  EXPECT_THAT(std::string(SubsetDataset(options).status().message()),
              AllOf(HasSubstr("no face has the attribute \"blurr\""), HasSubstr("they have blur")));
  options.attributes = {{"blur", "("}};
  EXPECT_THAT(std::string(SubsetDataset(options).status().message()), HasSubstr("pattern \"(\""));
}

TEST(SplitDatasetTest, FractionsMustSumToOneAndOutputsLieApart) {
  const auto error_of = [](const std::vector<std::string>& outputs, const std::vector<double>& fractions) {
    return std::string(CheckSplit({"in", outputs, fractions, 1}).message());
  };
  EXPECT_THAT(error_of({"x", "y"}, {0.8, 0.9}), HasSubstr("0.8,0.9 sum to 1.7"));
  EXPECT_THAT(error_of({"x", "y"}, {0.1, 0.1}), HasSubstr("sum to 0.2"));
  EXPECT_EQ(error_of({"x", "y", "z"}, {0.333, 0.333, 0.333}), "");
  EXPECT_EQ(error_of({"x", "y", "z"}, {0.7, 0.2, 0.1}), "");
  EXPECT_THAT(error_of({"x", "./x/"}, {0.5, 0.5}), HasSubstr("lie in each other"));
  EXPECT_THAT(error_of({"x", "x/y"}, {0.5, 0.5}), HasSubstr("lie in each other"));
}

}  // namespace
}  // namespace hardface::data
