// Detection on a GPU against detection on the CPU, from the 8-bit image to the merged boxes.
#include "infer/cuda_face_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <vector>

#include "data_tools/base/random.h"
#include "infer/face_detector.h"
#include "model/cuda/cuda_device.h"
#include "model/model_file.h"

namespace hardface {
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

TEST(CudaFaceDetectorTest, FindsWhatTheCpuFinds) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << WhyNoCuda();
  const auto model = LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  const cv::Mat image = RandomImage(213, 317);
  for (const Merge merge : {Merge::kVote, Merge::kNms}) {
    DetectOptions options;
    options.pyramid = {200, 400};
    options.merge = merge;
    options.precision = Precision::kFp32;
    options.decode.max_boxes = 300;  // fewer than kMostMerged in all
    FaceDetector cpu(*model, options);
    options.device = {Device::Kind::kCuda, 0};
    FaceDetector gpu(*model, options);
    const auto expected = cpu.Detect(image);
    ASSERT_TRUE(expected.ok()) << expected.status();
    for (int run = 0; run < 3; ++run) {  // as it is, recording graphs, launching them
      const auto actual = gpu.Detect(image);
      ASSERT_TRUE(actual.ok()) << actual.status();
      // Rounding may exchange neighbours in the order, and with it what a group is; nearly all boxes must be there.
      size_t found = 0;
      for (const ScoredBox& box : *expected) {
        found += std::any_of(actual->begin(), actual->end(), [&](const ScoredBox& other) {
          return std::fabs(other.score - box.score) < 1e-3f && IoU(other.box, box.box) > 0.98f;
        });
      }
      EXPECT_GT(expected->size(), 0u);
      EXPECT_GE(static_cast<double>(found), 0.97 * static_cast<double>(expected->size())) << "run " << run;
      EXPECT_NEAR(static_cast<double>(actual->size()), static_cast<double>(expected->size()),
                  0.03 * static_cast<double>(expected->size()));
    }
  }
}

TEST(CudaFaceDetectorTest, WithoutCudaTheErrorSaysWhy) {
  if (CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  const auto model = LoadModel("model/testdata/net_w16.caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  DetectOptions options;
  options.device = {Device::Kind::kCuda, 0};
  FaceDetector detector(*model, options);
  const auto found = detector.Detect(RandomImage(40, 40));
  EXPECT_EQ(found.status().code(), absl::StatusCode::kFailedPrecondition) << found.status();
}

}  // namespace
}  // namespace hardface
