// The detector on devices that are the CPU (emulation.h): memory that runs out, limits, several devices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "data_tools/images/image_io.h"
#include "infer/detect_images.h"
#include "infer/face_detector.h"
#include "model/cuda/emulation/emulation.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kUnlimited = int64_t{1} << 40;
constexpr int64_t kContext = int64_t{512} << 20;  // that --memory_limit counts and an emulation does not take

cv::Mat Waves(int rows, int columns) {
  cv::Mat image(rows, columns, CV_8UC3);
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < 3 * columns; ++x) {
      image.ptr(y)[x] = static_cast<uint8_t>(127 + 60 * std::sin(0.05 * x * (1 + y % 3)) + 50 * std::cos(0.08 * y));
    }
  }
  return image;
}

model::Model SmallModel() { return *model::LoadModel("model/testdata/net_w16.caffemodel"); }

DetectOptions TwoLevels() {
  DetectOptions options;
  options.pyramid = {200, 800};
  options.precision = model::Precision::kFp32;
  options.decode.max_boxes = 300;
  return options;
}

// IoU with the "+1", since a box clipped at the image's edge may have no width.
float Overlap(const data::Rect& a, const data::Rect& b) {
  return data::InclusiveIou(data::EdgeBox{a.x, a.y, a.x + a.w, a.y + a.h},
                            data::EdgeBox{b.x, b.y, b.x + b.w, b.y + b.h});
}

void ExpectNearlyTheSame(const std::vector<data::Detection>& actual, const std::vector<data::Detection>& expected) {
  ASSERT_GT(expected.size(), 0u);
  const auto found = std::count_if(expected.begin(), expected.end(), [&](const data::Detection& box) {
    return std::any_of(actual.begin(), actual.end(), [&](const data::Detection& other) {
      return std::fabs(other.score - box.score) < 1e-3f && Overlap(other.box, box.box) > 0.98f;
    });
  });
  EXPECT_GE(static_cast<double>(found), 0.97 * static_cast<double>(expected.size()));
  EXPECT_NEAR(static_cast<double>(actual.size()), static_cast<double>(expected.size()),
              0.03 * static_cast<double>(expected.size()));
}

class EmulatedCudaTest : public ::testing::Test {
 protected:
  void SetUp() override { model::SetEmulatedCapacity(kUnlimited); }
  void TearDown() override {
    model::SetEmulatedCapacity(kUnlimited);
    EXPECT_EQ(model::GetEmulatedMemory().used, 0) << "memory that nobody has given back";
  }

  const cv::Mat image_ = Waves(500, 700);
};

TEST_F(EmulatedCudaTest, WhatDoesNotFitRunsInPiecesWithTheSameFaces) {
  DetectOptions options = TwoLevels();
  const auto expected = FaceDetector(SmallModel(), options).Detect(image_);
  ASSERT_TRUE(expected.ok()) << expected.status();
  options.device = {model::Device::Kind::kCuda, 0};
  {
    const auto whole = FaceDetector(SmallModel(), options).Detect(image_);
    ASSERT_TRUE(whole.ok()) << whole.status();
    ExpectNearlyTheSame(*whole, *expected);
  }
  const int64_t need = model::GetEmulatedMemory().peak;
  int64_t refusals = 0;
  for (const double part : {0.8, 0.35, 0.2}) {
    model::SetEmulatedCapacity(static_cast<int64_t>(part * static_cast<double>(need)));
    FaceDetector detector(SmallModel(), options);
    for (int run = 0; run < 2; ++run) {
      const auto boxes = detector.Detect(image_);
      ASSERT_TRUE(boxes.ok()) << part << ": " << boxes.status();
      ExpectNearlyTheSame(*boxes, *expected);
    }
    refusals += model::GetEmulatedMemory().refusals;
  }
  EXPECT_GT(refusals, 0) << "free memory alone, asked for before, led to pieces that fit";
  model::SetEmulatedCapacity(need / 50);
  const auto boxes = FaceDetector(SmallModel(), options).Detect(image_);
  EXPECT_EQ(boxes.status().code(), absl::StatusCode::kResourceExhausted);
  for (const char* text : {"pixels", "MiB", "--pyramid"}) {
    EXPECT_NE(boxes.status().message().find(text), std::string::npos) << text << " in " << boxes.status();
  }
}

TEST_F(EmulatedCudaTest, AMemoryLimitIsKept) {
  DetectOptions options = TwoLevels();
  const auto expected = FaceDetector(SmallModel(), options).Detect(image_);
  ASSERT_TRUE(expected.ok()) << expected.status();
  options.device = {model::Device::Kind::kCuda, 1};
  int64_t last_peak = kUnlimited;
  for (const int64_t mebibytes : {900, 650}) {
    options.memory_limit = mebibytes << 20;
    model::SetEmulatedCapacity(kUnlimited);
    FaceDetector detector(SmallModel(), options);
    for (int run = 0; run < 2; ++run) {
      const auto boxes = detector.Detect(image_, [this] { return image_; });
      ASSERT_TRUE(boxes.ok()) << mebibytes << ": " << boxes.status();
      ExpectNearlyTheSame(*boxes, *expected);
    }
    EXPECT_LE(model::GetEmulatedMemory().peak + kContext, options.memory_limit);
    EXPECT_LT(model::GetEmulatedMemory().peak, last_peak) << "the limit changes nothing";
    last_peak = model::GetEmulatedMemory().peak;
  }
  for (const int64_t mebibytes : {632, 500}) {
    options.memory_limit = mebibytes << 20;
    const auto boxes = FaceDetector(SmallModel(), options).Detect(image_);
    EXPECT_EQ(boxes.status().code(), absl::StatusCode::kResourceExhausted) << mebibytes;
    EXPECT_NE(boxes.status().message().find("raise --memory_limit"), std::string::npos) << boxes.status();
  }
}

TEST_F(EmulatedCudaTest, SeveralDevicesAndWorkersWriteTheFilesOfOne) {
  const std::string folder = ::testing::TempDir() + "/emulated_cuda_test";
  fs::remove_all(folder);
  fs::create_directories(folder + "/in");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        data::WritePng(absl::StrCat(folder, "/in/", 10 + i, ".png"), Waves(80 + 30 * (i % 4), 120 + 20 * (i % 3)))
            .ok());
  }
  const auto found = ImagesOfPaths({folder + "/in"});
  ASSERT_TRUE(found.ok()) << found.status();
  DetectImagesOptions options;
  options.detect.precision = model::Precision::kFp32;
  options.detect.pyramid = {100, 200};
  for (const Speed speed : {Speed::kAccurate, Speed::kBalanced}) {
    options.detect.speed = speed;
    std::string first;
    for (const std::vector<int>& indices : std::vector<std::vector<int>>{{0}, {2, 0, 1}, {1, 2}}) {
      options.devices.clear();
      options.workers_per_gpu = indices.size() == 2 ? 2 : 1;
      for (const int index : indices) options.devices.push_back({model::Device::Kind::kCuda, index});
      const std::string output =
          absl::StrCat(folder, "/of_", indices.size(), speed == Speed::kAccurate ? "" : "_balanced");
      const auto counts = DetectImages(SmallModel(), found->images, output, options);
      ASSERT_TRUE(counts.ok()) << counts.status();
      EXPECT_EQ(counts->images, 20);
      const std::string lines = *ReadFile(output + "/detections.jsonl");
      if (indices.size() == 1) first = lines;
      EXPECT_EQ(lines, first);
    }
  }
}

// Photographs of many sizes, then again in another order: what a picture costs once its sizes have been seen.
TEST_F(EmulatedCudaTest, PicturesOfKnownSizesCostNoQueryNoPlanAndNoAllocation) {
  DetectOptions options = TwoLevels();
  options.pyramid = {64, 96};
  options.device = {model::Device::Kind::kCuda, 0};
  std::vector<cv::Mat> images;
  for (const auto& [rows, columns] : {std::pair{60, 90}, {90, 60}, {75, 100}, {80, 80}, {64, 113}, {100, 150}}) {
    images.push_back(Waves(rows, columns));
  }
  int64_t bytes = 0;
  for (const cv::Mat& image : images) bytes += static_cast<int64_t>(image.total() * image.elemSize());
  FaceDetector detector(SmallModel(), options);
  std::vector<size_t> found;
  for (int round = 0; round < 3; ++round) {
    model::ResetEmulatedCounts();
    for (size_t i = 0; i < images.size(); ++i) {
      const size_t at = round == 0 ? i : images.size() - 1 - i;
      const auto boxes = detector.Detect(images[at]);
      ASSERT_TRUE(boxes.ok()) << boxes.status();
      if (round == 0) found.push_back(boxes->size());
      EXPECT_EQ(boxes->size(), found[at]) << "round " << round << ", image " << at;
    }
    const model::EmulatedCounts counts = model::GetEmulatedCounts();
    if (round == 0) {
      EXPECT_GT(counts.queries, 0);
      continue;
    }
    EXPECT_EQ(counts.bytes_to_device, bytes) << "each picture is copied once, and nothing else";
    EXPECT_EQ(counts.queries, 0);
    EXPECT_EQ(counts.plans, 0);
    EXPECT_EQ(counts.allocations, 0);
    EXPECT_EQ(counts.pinned_allocations, 0);
    // The host waits for the previous copy, the number of boxes and the boxes, and before it begins.
    EXPECT_LE(counts.waits, 5 * static_cast<int64_t>(images.size()));
  }
}

// As validation does between stretches of a training.
TEST_F(EmulatedCudaTest, OtherParametersNeedNoPlanAndGiveWhatANewDetectorGives) {
  DetectOptions options = TwoLevels();
  options.pyramid = {64, 96};
  options.device = {model::Device::Kind::kCuda, 0};
  const cv::Mat image = Waves(60, 90);
  FaceDetector detector(SmallModel(), options);
  std::vector<size_t> found;
  for (const float factor : {1.0f, 1.2f, 0.9f}) {
    model::Model model = SmallModel();
    for (auto& [name, array] : model.parameters) {
      for (float& value : array.values) value *= factor;
    }
    ASSERT_TRUE(detector.SetParameters(model.parameters).ok());
    model::ResetEmulatedCounts();
    for (int run = 0; run < 3; ++run) {
      const auto kept = detector.Detect(image);
      ASSERT_TRUE(kept.ok()) << kept.status();
      if (run < 2) continue;
      const model::EmulatedCounts counts = model::GetEmulatedCounts();
      EXPECT_EQ(counts.plans > 0, factor == 1.0f);
      EXPECT_EQ(counts.queries > 0, factor == 1.0f);
      const auto anew = FaceDetector(model, options).Detect(image);
      ASSERT_TRUE(anew.ok()) << anew.status();
      ASSERT_EQ(kept->size(), anew->size());
      for (size_t i = 0; i < anew->size(); ++i) {
        EXPECT_EQ((*kept)[i].score, (*anew)[i].score);
        EXPECT_EQ((*kept)[i].box.x, (*anew)[i].box.x);
      }
      found.push_back(kept->size());
    }
    const int64_t before = model::GetEmulatedMemory().used;
    ASSERT_TRUE(detector.ReleaseMemory().ok());
    EXPECT_LT(model::GetEmulatedMemory().used, before);
  }
  EXPECT_NE(found[0], found[1]) << "the parameters change nothing";
}

TEST_F(EmulatedCudaTest, PaddedFurtherImagesOfSeveralSizesShareWhatIsPlanned) {
  DetectOptions options = TwoLevels();
  options.pyramid = {128};
  std::vector<int64_t> graphs;
  for (const int pad_to : {0, 64}) {
    options.pad_to = pad_to;
    options.device = {};
    FaceDetector cpu(SmallModel(), options);
    options.device = {model::Device::Kind::kCuda, 0};
    FaceDetector detector(SmallModel(), options);
    model::ResetEmulatedCounts();
    // In the first round the memory grows from size to size, for which nothing is recorded.
    for (int round = 0; round < 3; ++round) {
      for (const int columns : {70, 75, 85, 95}) {  // levels of 140 to 190 pixels
        const auto boxes = detector.Detect(Waves(64, columns)), expected = cpu.Detect(Waves(64, columns));
        ASSERT_TRUE(boxes.ok() && expected.ok()) << boxes.status();
        ExpectNearlyTheSame(*boxes, *expected);
      }
    }
    graphs.push_back(model::GetEmulatedCounts().graphs);
  }
  EXPECT_EQ(graphs, (std::vector<int64_t>{4, 1}));
}

TEST_F(EmulatedCudaTest, AfterAnyFailedAllocationFacesAreFoundOrWantOfMemoryIsTold) {
  DetectOptions options = TwoLevels();
  options.pyramid = {64};
  options.device = {model::Device::Kind::kCuda, 0};
  const cv::Mat image = Waves(64, 96);
  const auto expected = FaceDetector(SmallModel(), options).Detect(image);
  ASSERT_TRUE(expected.ok()) << expected.status();
  int failures = 0;
  for (int64_t n = 1; n < 120; n += 7) {
    FaceDetector detector(SmallModel(), options);
    model::FailEmulatedAllocation(n);
    const auto attempt = detector.Detect(image);
    failures += !attempt.ok();
    EXPECT_TRUE(attempt.ok() || absl::IsResourceExhausted(attempt.status())) << n << ": " << attempt.status();
    model::FailEmulatedAllocation(0);
    const auto next = detector.Detect(image);
    ASSERT_TRUE(next.ok()) << n << ": " << next.status();
    ExpectNearlyTheSame(*next, *expected);
  }
  EXPECT_GT(failures, 0);
}

}  // namespace
}  // namespace hardface::infer
