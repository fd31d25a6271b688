// mining:score on a device that is the CPU: what it copies when.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "mining/score_images.h"
#include "model/cuda/emulation/emulation.h"
#include "model/cuda/precision.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::mining {
namespace {

constexpr int kImages = 5, kHeight = 64;

int WidthOf(int i) { return 80 + 16 * (i % 2); }

// Noise of two sizes with a face on the left.
std::string NoiseDataset(const std::string& name) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "/", name);
  std::filesystem::remove_all(folder);
  const auto writer = data::DatasetWriter::Create(folder, {"."});
  Random random(1);
  for (int i = 0; i < kImages; ++i) {
    cv::Mat image(kHeight, WidthOf(i), CV_8UC3);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < 3 * image.cols; ++x) image.ptr(y)[x] = static_cast<uint8_t>(random.Uniform(0, 255));
    }
    data::DatasetEntry entry;
    entry.image = absl::StrCat(i, ".png");
    entry.width = image.cols;
    entry.height = image.rows;
    entry.faces = {{{10, 10, 30, 30}, false, {}}};
    EXPECT_TRUE(data::WritePng((*writer)->temporary_path() + "/" + entry.image, image).ok());
    EXPECT_TRUE((*writer)->Write(entry).ok());
  }
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return folder;
}

model::Model SmallModel() {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 16, true});
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 3);
  return model;
}

ScoreImagesOptions OnDevice() {
  ScoreImagesOptions options;
  options.short_side = kHeight;
  options.threads = 1;
  options.runner.device = {model::Device::Kind::kCuda, 0};
  options.runner.precision = model::Precision::kFp32;
  return options;
}

TEST(EmulatedScoreImagesTest, EachImageIsCopiedWhileTheOneBeforeIsComputed) {
  const std::string dataset = NoiseDataset("copied_ahead");
  model::ResetEmulatedCounts();
  const absl::Status status = ScoreImages(SmallModel(), dataset, dataset + ".jsonl", OnDevice());
  ASSERT_TRUE(status.ok()) << status;
  int64_t but_the_first = 0;
  for (int i = 1; i < kImages; ++i) but_the_first += int64_t{3} * kHeight * WidthOf(i);
  EXPECT_EQ(model::GetEmulatedCounts().bytes_beside_work, but_the_first);
}

TEST(EmulatedScoreImagesTest, AnImageThatCannotBeReadIsNamedThoughItWasReadAhead) {
  const std::string dataset = NoiseDataset("unreadable");
  std::filesystem::resize_file(dataset + "/3.png", 40);
  const absl::Status status = ScoreImages(SmallModel(), dataset, dataset + ".jsonl", OnDevice());
  EXPECT_NE(status.message().find("3.png"), std::string::npos) << status;
  EXPECT_FALSE(std::filesystem::exists(dataset + ".jsonl"));
}

}  // namespace
}  // namespace hardface::mining
