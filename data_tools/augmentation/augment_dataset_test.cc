#include "data_tools/augmentation/augment_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

std::string Path(const std::string& name) { return ::testing::TempDir() + "/augment_dataset_test_" + name; }

std::string MakeDataset(const std::string& name) {
  fs::remove_all(Path(name));
  auto writer = DatasetWriter::Create(Path(name), {});
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (int i = 0; i < 3; ++i) {
    DatasetEntry entry;
    entry.image = std::to_string(i) + ".png";
    entry.width = 80;
    entry.height = 60;
    entry.faces.push_back({{20, 20, 20, 20}});
    cv::Mat image(60, 80, CV_8UC3, cv::Scalar(40 * i, 20, 200));
    EXPECT_TRUE(WritePng((*writer)->temporary_path() + "/" + entry.image, image).ok());
    EXPECT_TRUE((*writer)->Write(entry).ok());
  }
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return Path(name);
}

TEST(AugmentDatasetTest, WritesADatasetThatIsTheSameForAnyNumberOfThreads) {
  const std::string input = MakeDataset("input");
  AugmentDatasetOptions options;
  options.augment.crops = CropStyle::kFaceScale;
  options.augment.crop_size = 64;
  options.augment.max_face = 40;
  options.copies = 4;
  for (const int threads : {1, 3}) {
    options.threads = threads;
    const auto counts = AugmentDataset(input, Path("out" + std::to_string(threads)), options);
    ASSERT_TRUE(counts.ok()) << counts.status();
    EXPECT_EQ(counts->images, 12);
    EXPECT_GT(counts->faces, 5);
  }
  EXPECT_EQ(*ReadFile(Path("out1/manifest.jsonl")), *ReadFile(Path("out3/manifest.jsonl")));
  const auto dataset = ReadDataset(Path("out3"));
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries[5].attributes["source"], "1.png");
  for (size_t i = 0; i < dataset->entries.size(); ++i) {
    const auto size = ReadImageSize(dataset->image_paths[i]);
    ASSERT_TRUE(size.ok()) << size.status();
    EXPECT_EQ(size->width, dataset->entries[i].width);
    EXPECT_EQ(*ReadFile(dataset->image_paths[i]), *ReadFile(Path("out1/images/" + dataset->entries[i].image)));
  }
}

TEST(AugmentDatasetTest, AMissingImageIsAnErrorAndLeavesNoOutput) {
  const std::string input = MakeDataset("missing");
  fs::remove(input + "/1.png");
  const auto counts = AugmentDataset(input, Path("none"), {});
  EXPECT_THAT(std::string(counts.status().message()), ::testing::HasSubstr("1.png"));
  EXPECT_FALSE(fs::exists(Path("none")));
}

}  // namespace
}  // namespace hardface::data
