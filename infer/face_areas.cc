#include "infer/face_areas.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace hardface::infer {
namespace {

constexpr int kColoursOfASide = 8;

}  // namespace

std::vector<data::Rect> BoxesFrom(const std::vector<data::Detection>& faces, float threshold) {
  std::vector<data::Rect> boxes;
  for (const auto& [box, score] : faces) {
    if (score >= threshold) boxes.push_back(box);
  }
  return boxes;
}

cv::Rect AreaOf(const data::Rect& box, double margin, const cv::Size& size) {
  const auto pixel = [](double value, int most) {
    return static_cast<int>(std::clamp<double>(value, 0, static_cast<double>(most)));
  };
  const int left = pixel(std::floor(box.x - margin * box.w), size.width);
  const int top = pixel(std::floor(box.y - margin * box.h), size.height);
  const int right = pixel(std::ceil(box.x + (1 + margin) * box.w), size.width);
  const int bottom = pixel(std::ceil(box.y + (1 + margin) * box.h), size.height);
  if (right <= left || bottom <= top) return {};
  return {left, top, right - left, bottom - top};
}

cv::Mat HideFaces(const cv::Mat& image, const std::vector<data::Rect>& boxes, double margin, Hiding hiding) {
  cv::Mat hidden = image.clone();
  for (const data::Rect& box : boxes) {
    const cv::Rect area = AreaOf(box, margin, image.size());
    if (area.empty()) continue;
    // Of what is hidden already: where areas overlap, none brings back what another one hid.
    cv::Mat colours, shown;
    const cv::Size few(std::min(kColoursOfASide, area.width), std::min(kColoursOfASide, area.height));
    cv::resize(hidden(area), colours, few, 0, 0, cv::INTER_AREA);
    cv::resize(colours, shown, area.size(), 0, 0, hiding == Hiding::kBlur ? cv::INTER_LINEAR : cv::INTER_NEAREST);
    shown.copyTo(hidden(area));
  }
  return hidden;
}

}  // namespace hardface::infer
