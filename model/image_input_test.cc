#include "model/image_input.h"

#include <gtest/gtest.h>

#include "model/model_file.h"

namespace hardface {
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

TEST(RoundUpTest, GoesToTheNextMultiple) {
  EXPECT_EQ(RoundUp(1, 16), 16);
  EXPECT_EQ(RoundUp(16, 16), 16);
  EXPECT_EQ(RoundUp(17, 16), 32);
}

}  // namespace
}  // namespace hardface
