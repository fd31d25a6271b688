#include "data_tools/images/thumbnail.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace hardface::data {
namespace {

TEST(Thumbnail, FitsInProportion) {
  EXPECT_EQ(Thumbnail(cv::Mat(480, 640, CV_8UC3), 240).size(), cv::Size(240, 180));
  EXPECT_EQ(Thumbnail(cv::Mat(640, 480, CV_8UC3), 240).size(), cv::Size(180, 240));
  EXPECT_EQ(Thumbnail(cv::Mat(1, 5000, CV_8UC3), 240).size(), cv::Size(240, 1));
}

TEST(Thumbnail, SmallImagesStayAsTheyAre) {
  const cv::Mat image(3, 5, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat thumbnail = Thumbnail(image, 5);
  EXPECT_EQ(thumbnail.size(), image.size());
  EXPECT_EQ(cv::norm(thumbnail, image), 0);
  EXPECT_NE(thumbnail.data, image.data);  // may be drawn on
}

}  // namespace
}  // namespace hardface::data
