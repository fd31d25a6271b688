// mining:score on a device that is the CPU: what it copies when.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "mining/difficulty.h"
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

int WidthOf(int i) { return i < 3 ? 80 : 96; }

// Noise of two sizes with a face on the left. SIZE: large images of that size instead.
std::string NoiseDataset(const std::string& name, int images = kImages, cv::Size size = {}) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "/", name);
  std::filesystem::remove_all(folder);
  const auto writer = data::DatasetWriter::Create(folder, {"."});
  Random random(1);
  for (int i = 0; i < images; ++i) {
    cv::Mat image(kHeight, WidthOf(i), CV_8UC3);
    if (!size.empty()) image = cv::Mat(size, CV_8UC3, cv::Scalar(90, 120, 150));
    for (int y = 0; y < std::min(kHeight, image.rows); ++y) {
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

TEST(EmulatedScoreImagesTest, ImagesOfOneSizeAreABatchThatIsCopiedWhileTheOneBeforeIsComputed) {
  const std::string dataset = NoiseDataset("copied_ahead");
  model::ResetEmulatedCounts();
  const absl::Status status = ScoreImages(SmallModel(), dataset, dataset + ".jsonl", OnDevice());
  ASSERT_TRUE(status.ok()) << status;
  const int64_t second_batch = int64_t{2} * 3 * kHeight * 96;
  EXPECT_EQ(model::GetEmulatedCounts().bytes_beside_work, second_batch);
}

TEST(EmulatedScoreImagesTest, LargeImagesAreNoBatchThoughTheNetworkSeesLittleOfThem) {
  const cv::Size size(4096, 2100);  // two have more than 2^24 pixels
  const std::string dataset = NoiseDataset("large", 2, size);
  model::ResetEmulatedCounts();
  const absl::Status status = ScoreImages(SmallModel(), dataset, dataset + ".jsonl", OnDevice());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(model::GetEmulatedCounts().bytes_beside_work, int64_t{3} * size.area()) << "the second one is a batch";
}

TEST(EmulatedScoreImagesTest, ABatchThatDoesNotFitIsRunOneByOneWithTheSameResult) {
  const auto score = [](const std::string& dataset, int64_t capacity) {
    model::SetEmulatedCapacity(capacity);
    const absl::Status status = ScoreImages(SmallModel(), dataset, dataset + ".jsonl", OnDevice());
    EXPECT_TRUE(status.ok()) << status;
    return *ReadDifficulty(dataset + ".jsonl");
  };
  constexpr int64_t kUnlimited = int64_t{1} << 40;
  score(NoiseDataset("alone", 1), kUnlimited);
  const int64_t peak_alone = model::GetEmulatedMemory().peak;
  const std::string dataset = NoiseDataset("does_not_fit", 3);
  const DifficultyTable expected = score(dataset, kUnlimited);
  const int64_t peak_together = model::GetEmulatedMemory().peak;
  ASSERT_GT(peak_together, peak_alone);
  EXPECT_EQ(expected.size(), 3u);
  // Whatever it is that a batch has no room for: what it got before goes.
  for (int part = 1; part < 10; ++part) {
    const DifficultyTable actual = score(dataset, peak_alone + (peak_together - peak_alone) * part / 10);
    EXPECT_GT(model::GetEmulatedMemory().refusals, 0) << "the batch fits";
    ASSERT_EQ(actual.size(), 3u);
    for (const auto& [entry, difficulty] : expected) {
      EXPECT_NEAR(*actual.at(entry).wpas, *difficulty.wpas, 1e-4) << entry.first;
      EXPECT_EQ(actual.at(entry).positives, difficulty.positives) << entry.first;
    }
  }
  model::SetEmulatedCapacity(kUnlimited);
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
