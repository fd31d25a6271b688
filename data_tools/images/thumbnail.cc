#include "data_tools/images/thumbnail.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace hardface::data {

cv::Mat Thumbnail(const cv::Mat& image, int max_side) {
  const int long_side = std::max(image.cols, image.rows);
  if (long_side <= max_side) return image.clone();
  const double scale = static_cast<double>(max_side) / long_side;
  const cv::Size size(std::max(1, cvRound(image.cols * scale)), std::max(1, cvRound(image.rows * scale)));
  cv::Mat small;
  cv::resize(image, small, size, 0, 0, cv::INTER_AREA);
  return small;
}

}  // namespace hardface::data
