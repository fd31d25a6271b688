#include "infer/face_areas.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <set>
#include <tuple>

#include "base/random.h"

namespace hardface::infer {
namespace {

cv::Mat Noise(int width, int height) {
  cv::Mat image(height, width, CV_8UC3);
  Random random(1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.ptr(y)[x] = static_cast<uchar>(random.Index(256));
  }
  return image;
}

TEST(AreaOfTest, GrowsByTheMarginAndEndsAtTheImage) {
  const cv::Size size(100, 80);
  EXPECT_EQ(AreaOf({10, 20, 30, 40}, 0, size), cv::Rect(10, 20, 30, 40));
  EXPECT_EQ(AreaOf({10, 20, 30, 40}, 0.1, size), cv::Rect(7, 16, 36, 48));
  EXPECT_EQ(AreaOf({10.5f, 20.5f, 30, 40}, 0, size), cv::Rect(10, 20, 31, 41)) << "whole pixels that hold the box";
  EXPECT_EQ(AreaOf({90, 70, 30, 40}, 1, size), cv::Rect(60, 30, 40, 50));
  EXPECT_TRUE(AreaOf({120, 10, 30, 40}, 0.2, size).empty());
  EXPECT_TRUE(AreaOf({10, 10, 0, 40}, 0, size).empty());
}

TEST(HideFacesTest, NothingButEightByEightColoursIsLeftOfAnArea) {
  const cv::Mat image = Noise(100, 80);
  const cv::Rect area(20, 16, 48, 40);
  const std::vector<data::Rect> boxes = {{20, 16, 48, 40}};
  const cv::Mat pixelated = HideFaces(image, boxes, 0, Hiding::kPixelate);
  std::set<std::tuple<int, int, int>> colours;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const cv::Vec3b now = pixelated.at<cv::Vec3b>(y, x);
      if (area.contains({x, y})) {
        colours.insert({now[0], now[1], now[2]});
      } else {
        ASSERT_EQ(now, image.at<cv::Vec3b>(y, x)) << x << " " << y;
      }
    }
  }
  EXPECT_EQ(colours.size(), 64u);
  // Two pictures that differ only in details of the area, of the same means, are hidden to the same pixels.
  cv::Mat mirrored_details = image.clone();
  for (int y = area.y; y < area.br().y; y += 5) {
    for (int x = area.x; x < area.br().x; x += 6) {
      cv::Mat block = mirrored_details(cv::Rect(x, y, 6, 5));
      cv::flip(block.clone(), block, 1);
    }
  }
  for (const Hiding hiding : {Hiding::kBlur, Hiding::kPixelate}) {
    EXPECT_EQ(cv::norm(HideFaces(image, boxes, 0, hiding), HideFaces(mirrored_details, boxes, 0, hiding)), 0);
  }
}

TEST(HideFacesTest, TinyAndOverlappingAreasAndThoseBeyondTheImageWork) {
  const cv::Mat image = Noise(20, 20);
  const cv::Mat hidden =
      HideFaces(image, {{3, 3, 1, 1}, {2, 2, 10, 10}, {5, 5, 10, 10}, {500, 3, 9, 9}}, 0, Hiding::kBlur);
  EXPECT_EQ(hidden.size(), image.size());
  EXPECT_GT(cv::norm(hidden, image), 0);
}

}  // namespace
}  // namespace hardface::infer
