#include "infer/draw.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <string>

#include "absl/strings/str_format.h"

namespace hardface::infer {

cv::Mat DrawDetections(const cv::Mat& image, const std::vector<data::Detection>& detections, float threshold) {
  cv::Mat drawn = image.clone();
  const int thickness = std::max(1, std::min(image.cols, image.rows) / 400);
  const double text_scale = 0.4 * thickness;
  for (const auto& [box, score] : detections) {
    if (score < threshold) continue;
    const double green = std::clamp((score - threshold) / std::max(1e-6f, 1 - threshold), 0.0f, 1.0f);
    const cv::Scalar color(0, 80 + 175 * green, 255 * (1 - green));
    const cv::Point corner(cvRound(box.x), cvRound(box.y));
    cv::rectangle(drawn, corner, cv::Point(cvRound(box.x + box.w - 1), cvRound(box.y + box.h - 1)), color, thickness);
    const std::string label = absl::StrFormat("%.2f", score);
    cv::putText(drawn, label, corner - cv::Point(0, 2 * thickness), cv::FONT_HERSHEY_SIMPLEX, text_scale, color,
                thickness, cv::LINE_AA);
  }
  return drawn;
}

}  // namespace hardface::infer
