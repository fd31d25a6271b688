#include "model/execution/image_input.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "model/weights/model_file.h"

namespace hardface::model {
namespace {

TEST(WriteNetworkInputTest, SubtractsTheMeanScalesMirrorsAndPads) {
  cv::Mat image(1, 2, CV_32FC3);
  image.at<cv::Vec3f>(0, 0) = {10, 20, 30};
  image.at<cv::Vec3f>(0, 1) = {40, 50, 60};
  Tensor input({2, 3, 2, 4});
  std::fill(input.data(), input.data() + input.shape().size(), 99.0f);
  WriteNetworkInput(image, /*input_divisor=*/2, /*mirror=*/false, 0, input.view());
  WriteNetworkInput(image, /*input_divisor=*/2, /*mirror=*/true, 1, input.view());
  EXPECT_FLOAT_EQ(input.view().at(0, 0, 0, 0), (10 - kBgrMean[0]) / 2);
  EXPECT_FLOAT_EQ(input.view().at(0, 2, 0, 1), (60 - kBgrMean[2]) / 2);
  EXPECT_FLOAT_EQ(input.view().at(1, 1, 0, 0), (50 - kBgrMean[1]) / 2);
  EXPECT_FLOAT_EQ(input.view().at(1, 1, 0, 1), (20 - kBgrMean[1]) / 2);
  EXPECT_EQ(input.view().at(0, 0, 0, 2), 0);
  EXPECT_EQ(input.view().at(1, 2, 1, 3), 0);
}

TEST(ResizeToFloatTest, RoundsTheSizeAndNeverVanishes) {
  const cv::Mat image(30, 50, CV_8UC3, cv::Scalar(1, 2, 3));
  EXPECT_EQ(ResizeToFloat(image, 0.5).size(), cv::Size(25, 15));
  EXPECT_EQ(ResizeToFloat(image, 0.001).size(), cv::Size(1, 1));
  EXPECT_EQ(ResizeToFloat(image, 1.01).at<cv::Vec3f>(3, 3), cv::Vec3f(1, 2, 3));
}

TEST(ResizeToFloatTest, AgreesWithOpenCv) {
  cv::Mat image(37, 53, CV_8UC3), floats, expected;
  cv::RNG random(1);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  image.convertTo(floats, CV_32FC3);
  for (const double scale : {0.21, 0.5, 0.77, 1.0, 1.3, 2.0, 3.75}) {
    cv::resize(floats, expected, cv::Size(), scale, scale, cv::INTER_LINEAR);
    const cv::Mat resized = ResizeToFloat(image, scale);
    ASSERT_EQ(resized.size(), expected.size()) << scale;
    EXPECT_LT(cv::norm(resized, expected, cv::NORM_INF), 2e-3) << scale;
  }
}

TEST(WriteNetworkInputTest, ShowsAWindow) {
  cv::Mat image(6, 9, CV_32FC3);
  cv::RNG random(2);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  for (const bool mirror : {false, true}) {
    const Tensor whole({1, 3, 8, 12}), window({1, 3, 4, 5});
    WriteNetworkInput(image, 64, mirror, 0, whole.view());
    WriteNetworkInput(image, 64, mirror, 0, window.view(), {6, 3});
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < 5; ++x) {
          EXPECT_EQ(window.view().at(0, c, y, x), whole.view().at(0, c, y + 3, x + 6)) << mirror << c << y << x;
        }
      }
    }
  }
}

TEST(RoundUpTest, GoesToTheNextMultiple) {
  EXPECT_EQ(RoundUp(1, 16), 16);
  EXPECT_EQ(RoundUp(16, 16), 16);
  EXPECT_EQ(RoundUp(17, 16), 32);
}

TEST(PaddedMultipleTest, SidesArePaddedFurtherOnRequest) {
  EXPECT_EQ(PaddedMultiple(16, 0), 16);
  EXPECT_EQ(PaddedMultiple(16, 8), 16);
  EXPECT_EQ(PaddedMultiple(16, 64), 64);
  EXPECT_EQ(PaddedMultiple(32, 80), 96) << "the detector's own multiple holds, too";
}

}  // namespace
}  // namespace hardface::model
