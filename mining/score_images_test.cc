#include "mining/score_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "base/atomic_output.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "model/detectors/detector.h"
#include "model/weights/parameters.h"

namespace hardface::mining {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

model::Model RandomModel() {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 16, true});
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 3);
  return model;
}

// A dataset of one image of 96 x 64 pixels, of which the manifest says WIDTH x HEIGHT.
std::string DatasetThatSays(const std::string& name, int width, int height) {
  const std::string folder = ::testing::TempDir() + "/score_images_" + name;
  fs::remove_all(folder);
  const auto writer = data::DatasetWriter::Create(folder, {"."});
  data::DatasetEntry entry;
  entry.image = "a.png";
  entry.width = width;
  entry.height = height;
  entry.faces = {{{20, 10, 30, 30}, false, {}}};
  EXPECT_TRUE(
      data::WritePng((*writer)->temporary_path() + "/a.png", cv::Mat(64, 96, CV_8UC3, cv::Scalar(9, 8, 7))).ok());
  EXPECT_TRUE((*writer)->Write(entry).ok());
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return folder;
}

absl::Status Score(const std::string& dataset) {
  ScoreImagesOptions options;
  options.short_side = 64;
  options.threads = 1;
  return ScoreImages(RandomModel(), dataset, dataset + ".jsonl", options);
}

TEST(ScoreImagesTest, ImagesWhoseFacesNoAnchorCoversAreCounted) {
  // 30 of 64 pixels are 30 at a short side of 64, and 150 at 320, twice the largest anchor.
  const std::string dataset = DatasetThatSays("sizes", 96, 64);
  ScoreImagesOptions options;
  options.threads = 1;
  for (const int short_side : {64, 320}) {
    options.short_side = short_side;
    ::testing::internal::CaptureStderr();
    EXPECT_TRUE(ScoreImages(RandomModel(), dataset, dataset + ".jsonl", options).ok());
    const std::string said = ::testing::internal::GetCapturedStderr();
    const bool told = said.find("1 of 1 images with faces have no positive anchor") != std::string::npos;
    EXPECT_EQ(told, short_side == 320) << said;
    if (told) {
      EXPECT_THAT(said, AllOf(HasSubstr("a.png, whose faces are 150 to 150 pixels"), HasSubstr("16, 32, 64 pixels")));
    }
  }
}

TEST(ScoreImagesTest, AnImageOfAnotherSizeThanItsManifestSaysIsAnError) {
  EXPECT_TRUE(Score(DatasetThatSays("right", 96, 64)).ok());
  const std::string resized = DatasetThatSays("resized", 192, 128);
  EXPECT_THAT(std::string(Score(resized).message()),
              AllOf(HasSubstr("a.png: is 96 x 64 pixels, its manifest entry says 192 x 128")));
  EXPECT_FALSE(fs::exists(resized + ".jsonl"));
}

}  // namespace
}  // namespace hardface::mining
