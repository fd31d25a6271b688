// Detection on a GPU against detection on the CPU, from the 8-bit image to the merged boxes.
#include "infer/cuda_face_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <thread>
#include <vector>

#include "base/random.h"
#include "infer/face_detector.h"
#include "model/cuda/cuda_device.h"
#include "model/weights/model_file.h"

namespace hardface::infer {
namespace {

// Smooth blobs: noise alone would be averaged away on small levels.
cv::Mat RandomImage(int rows, int columns) {
  cv::Mat image(rows, columns, CV_8UC3);
  Random random(1);
  double phase[3][3];
  for (auto& channel : phase) {
    for (double& value : channel) value = random.Uniform(0.02, 0.2);
  }
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(phase[c][0] * x) + std::sin(phase[c][1] * y) + std::sin(phase[c][2] * (x + y));
        image.ptr(y)[3 * x + c] = static_cast<uint8_t>(127 + 40 * wave);
      }
    }
  }
  return image;
}

// IoU with the "+1", since a box clipped at the image's edge may have no width.
float Overlap(const data::Rect& a, const data::Rect& b) {
  return data::InclusiveIou(data::EdgeBox{a.x, a.y, a.x + a.w, a.y + a.h},
                            data::EdgeBox{b.x, b.y, b.x + b.w, b.y + b.h});
}

// Nearly all boxes: rounding may exchange neighbours in the order, and with it what a group is.
void ExpectNearlyTheSame(const std::vector<data::Detection>& actual, const std::vector<data::Detection>& expected) {
  const auto size = static_cast<double>(expected.size());
  size_t found = 0;
  for (const data::Detection& box : expected) {
    found += std::any_of(actual.begin(), actual.end(), [&](const data::Detection& other) {
      return std::fabs(other.score - box.score) < 1e-3f && Overlap(other.box, box.box) > 0.98f;
    });
  }
  EXPECT_GT(expected.size(), 0u);
  EXPECT_GE(static_cast<double>(found), 0.97 * size);
  EXPECT_NEAR(static_cast<double>(actual.size()), size, 0.03 * size);
}

TEST(CudaFaceDetectorTest, FindsWhatTheCpuFinds) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  const cv::Mat image = RandomImage(213, 317);
  for (const Merge merge : {Merge::kVote, Merge::kNms}) {
    DetectOptions options;
    options.pyramid = {200, 400};
    options.merge = merge;
    options.precision = model::Precision::kFp32;
    options.decode.max_boxes = 300;  // fewer than kMaxMerged in all
    FaceDetector cpu(*model, options);
    options.device = {model::Device::Kind::kCuda, 0};
    FaceDetector gpu(*model, options);
    const auto expected = cpu.Detect(image);
    ASSERT_TRUE(expected.ok()) << expected.status();
    for (int run = 0; run < 3; ++run) {  // as it is, recording graphs, launching them
      const auto actual = gpu.Detect(image);
      ASSERT_TRUE(actual.ok()) << actual.status();
      ExpectNearlyTheSame(*actual, *expected);
    }
  }
}

CudaFaceDetectorOptions OneLevel() {
  CudaFaceDetectorOptions options;
  options.precision = model::Precision::kFp32;
  options.detections.max_passes = 2;
  options.detections.decode.max_boxes = 300;
  return options;
}

TEST(CudaFaceDetectorTest, TilesUnderAMemoryLimitFindWhatTheWholeLevelFinds) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  const cv::Mat image = RandomImage(900, 1100);
  const double scale = 1.5;  // 1650 x 1350 pixels: about 140 MB of fp32 activations a pass
  std::vector<std::vector<data::Detection>> found;
  for (const int64_t limit : {int64_t{0}, int64_t{700} << 20}) {
    CudaFaceDetectorOptions options = OneLevel();
    options.memory_limit = limit;
    const auto detector = CudaFaceDetector::Create(*model, options);
    ASSERT_TRUE(detector.ok()) << detector.status();
    for (int run = 0; run < 2; ++run) {
      ASSERT_TRUE((*detector)->Start(image).ok());
      const absl::Status status = (*detector)->RunLevel(scale);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ((*detector)->last_plan().whole(), limit == 0);
      auto boxes = (*detector)->Finish();
      ASSERT_TRUE(boxes.ok()) << boxes.status();
      found.push_back(*std::move(boxes));
    }
  }
  for (size_t i = 1; i < found.size(); ++i) ExpectNearlyTheSame(found[i], found[0]);
}

TEST(CudaFaceDetectorTest, ALimitThatCannotBeKeptSaysWhatIsHeld) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  CudaFaceDetectorOptions options = OneLevel();
  options.memory_limit = int64_t{100} << 20;
  const auto detector = CudaFaceDetector::Create(*model, options);
  ASSERT_TRUE(detector.ok()) << detector.status();
  ASSERT_TRUE((*detector)->Start(RandomImage(40, 40)).ok());
  const absl::Status status = (*detector)->RunLevel(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("raise --memory_limit"), std::string::npos) << status;
}

TEST(CudaFaceDetectorTest, PreloadedImagesGiveWhatOthersGive) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  DetectOptions options;
  options.pyramid = {200, 400};
  options.precision = model::Precision::kFp32;
  options.device = {model::Device::Kind::kCuda, 0};
  std::vector<cv::Mat> images;
  for (int i = 0; i < 6; ++i) images.push_back(RandomImage(213 + 40 * (i % 3), 317 - 20 * (i % 2)));
  const cv::Mat broken_promise = cv::Scalar::all(255) - images[5];
  FaceDetector plain(*model, options), preloading(*model, options);
  for (size_t i = 0; i < images.size(); ++i) {
    // Nothing after the third: the fourth is copied in its own turn. After the fifth another than promised comes.
    const auto upcoming = [&] {
      return i == 2 || i + 1 == images.size() ? cv::Mat() : i == 4 ? broken_promise : images[i + 1];
    };
    const auto expected = plain.Detect(images[i]), actual = preloading.Detect(images[i], upcoming);
    ASSERT_TRUE(expected.ok() && actual.ok()) << expected.status() << actual.status();
    ASSERT_EQ(actual->size(), expected->size()) << i;
    for (size_t k = 0; k < actual->size(); ++k) ASSERT_EQ((*actual)[k].score, (*expected)[k].score) << i << " " << k;
  }
}

TEST(CudaFaceDetectorTest, DetectorsOnThreadsOfTheirOwnGiveTheSame) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  constexpr int kThreads = 4;  // on as many GPUs as there are
  std::vector<std::vector<data::Detection>> found(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      DetectOptions options;
      options.pyramid = {200, 400};
      options.device = {model::Device::Kind::kCuda, t % model::CudaDeviceCount()};
      options.precision = model::Precision::kFp32;
      FaceDetector detector(*model, options);
      for (int run = 0; run < 3; ++run) {
        const auto boxes = detector.Detect(RandomImage(213, 317));
        ASSERT_TRUE(boxes.ok()) << boxes.status();
        found[static_cast<size_t>(t)] = *boxes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& boxes : found) ExpectNearlyTheSame(boxes, found[0]);
}

TEST(CudaFaceDetectorTest, WithoutCudaTheErrorSaysWhy) {
  if (model::CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  const auto model = model::LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  DetectOptions options;
  options.device = {model::Device::Kind::kCuda, 0};
  FaceDetector detector(*model, options);
  const auto found = detector.Detect(RandomImage(40, 40));
  EXPECT_EQ(found.status().code(), absl::StatusCode::kFailedPrecondition) << found.status();
}

}  // namespace
}  // namespace hardface::infer
