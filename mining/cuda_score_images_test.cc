// WPAS by a GPU against WPAS by the CPU.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "base/random.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "mining/difficulty.h"
#include "mining/score_images.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/precision.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::mining {
namespace {

// Noise of several sizes, as it is and mirrored, with a face of 30 pixels on the left.
std::string NoiseDataset() {
  const std::string folder = ::testing::TempDir() + "/cuda_score_images";
  std::filesystem::remove_all(folder);
  const auto writer = data::DatasetWriter::Create(folder, {"."});
  Random random(1);
  for (const int width : {96, 120, 75}) {
    cv::Mat image(64, width, CV_8UC3);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < 3 * width; ++x) image.ptr(y)[x] = static_cast<uint8_t>(random.Uniform(0, 255));
    }
    data::DatasetEntry entry;
    entry.image = std::to_string(width) + ".png";
    entry.width = width;
    entry.height = image.rows;
    entry.faces = {{{10, 10, 30, 30}, false, {}}};
    EXPECT_TRUE(data::WritePng((*writer)->temporary_path() + "/" + entry.image, image).ok());
    for (const bool flip : {false, true}) {
      entry.flip = flip;
      EXPECT_TRUE((*writer)->Write(entry).ok());
    }
  }
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return folder;
}

TEST(CudaScoreImagesTest, DifficultiesAreThoseOfTheCpu) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const std::string dataset = NoiseDataset();
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 16, true});
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 3);
  DifficultyTable of_devices[2];
  for (const bool cuda : {false, true}) {
    ScoreImagesOptions options;
    options.short_side = 70;
    options.threads = 1;
    options.runner.device.kind = cuda ? model::Device::Kind::kCuda : model::Device::Kind::kCpu;
    options.runner.precision = model::Precision::kFp32;
    const std::string output = dataset + (cuda ? ".cuda.jsonl" : ".cpu.jsonl");
    const absl::Status status = ScoreImages(model, dataset, output, options);
    ASSERT_TRUE(status.ok()) << status;
    const auto read = ReadDifficulty(output);
    ASSERT_TRUE(read.ok()) << read.status();
    of_devices[cuda] = *read;
  }
  ASSERT_EQ(of_devices[0].size(), 6u);
  ASSERT_EQ(of_devices[1].size(), 6u);
  for (const auto& [entry, expected] : of_devices[0]) {
    const Difficulty& actual = of_devices[1].at(entry);
    EXPECT_EQ(actual.positives, expected.positives);
    ASSERT_TRUE(actual.wpas.has_value() && expected.wpas.has_value());
    EXPECT_NEAR(*actual.wpas, *expected.wpas, 1e-3) << entry.first;
  }
  EXPECT_NE(*of_devices[0].at({"96.png", false}).wpas, *of_devices[0].at({"96.png", true}).wpas)
      << "mirroring changes nothing";
}

}  // namespace
}  // namespace hardface::mining
