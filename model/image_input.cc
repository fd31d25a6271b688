#include "model/image_input.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data_tools/base/check.h"
#include "model/model_file.h"

namespace hardface {

cv::Mat ResizeToFloat(const cv::Mat& image, double scale) {
  HARDFACE_CHECK(image.type() == CV_8UC3 && scale > 0);
  cv::Mat floats, resized;
  image.convertTo(floats, CV_32FC3);
  const bool vanishes = std::lround(image.cols * scale) < 1 || std::lround(image.rows * scale) < 1;
  // By factor, not by size: that is how the published code samples (the two differ by a fraction of a pixel).
  if (vanishes) {
    const cv::Size size(std::max(1, cvRound(image.cols * scale)), std::max(1, cvRound(image.rows * scale)));
    cv::resize(floats, resized, size, 0, 0, cv::INTER_LINEAR);
  } else {
    cv::resize(floats, resized, cv::Size(), scale, scale, cv::INTER_LINEAR);
  }
  return resized;
}

void WriteNetworkInput(const cv::Mat& image, float input_divisor, bool mirror, int n, const TensorView& input) {
  HARDFACE_CHECK(image.type() == CV_32FC3 && input.block == 1 && input.shape.c == 3);
  HARDFACE_CHECK(image.rows <= input.shape.h && image.cols <= input.shape.w);
  const float factor = 1.0f / input_divisor;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < input.shape.h; ++y) {
      float* target = input.row(n, c, y);
      int x = 0;
      if (y < image.rows) {
        const float* source = image.ptr<float>(y) + c;
        for (; x < image.cols; ++x) {
          const int from = mirror ? image.cols - 1 - x : x;
          target[x] = (source[3 * from] - kBgrMean[c]) * factor;
        }
      }
      std::fill(target + x, target + input.shape.w, 0.0f);
    }
  }
}

}  // namespace hardface
