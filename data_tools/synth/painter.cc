#include "data_tools/synth/painter.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data_tools/synth/portable_math.h"

namespace hardface::data {
namespace {

// Fractional bits of the coordinates that OpenCV is given.
constexpr int kShift = 4;
constexpr int kOne = 1 << kShift;

uchar ToByte(double value) { return static_cast<uchar>(std::lround(std::clamp(value, 0.0, 255.0))); }

cv::Scalar ToScalar(const Color& color) {
  return {1.0 * ToByte(color.b), 1.0 * ToByte(color.g), 1.0 * ToByte(color.r)};
}

cv::Mat Enlarged(const cv::Mat& image, int zoom) {
  cv::Mat large(image.rows * zoom, image.cols * zoom, CV_8UC3);
  for (int y = 0; y < large.rows; ++y) {
    const cv::Vec3b* from = image.ptr<cv::Vec3b>(y / zoom);
    cv::Vec3b* to = large.ptr<cv::Vec3b>(y);
    for (int x = 0; x < image.cols; ++x) std::fill_n(to + x * zoom, zoom, from[x]);
  }
  return large;
}

// Means of zoom x zoom blocks, rounded.
void AverageInto(const cv::Mat& large, int zoom, cv::Mat* image) {
  const int area = zoom * zoom;
  std::vector<int> sums(static_cast<size_t>(image->cols) * 3);
  for (int y = 0; y < image->rows; ++y) {
    std::fill(sums.begin(), sums.end(), area / 2);
    for (int dy = 0; dy < zoom; ++dy) {
      const uchar* from = large.ptr(y * zoom + dy);
      for (int x = 0; x < image->cols; ++x) {
        for (int dx = 0; dx < zoom; ++dx, from += 3) {
          for (int c = 0; c < 3; ++c) sums[x * 3 + c] += from[c];
        }
      }
    }
    uchar* to = image->ptr(y);
    for (size_t i = 0; i < sums.size(); ++i) to[i] = static_cast<uchar>(sums[i] / area);
  }
}

cv::Rect CutTo(const cv::Rect& bounds, const cv::Mat& image) { return bounds & cv::Rect(0, 0, image.cols, image.rows); }

}  // namespace

Color Mix(const Color& from, const Color& to, double share) {
  return {from.b + (to.b - from.b) * share, from.g + (to.g - from.g) * share, from.r + (to.r - from.r) * share};
}

Color Scaled(const Color& color, double factor) { return {color.b * factor, color.g * factor, color.r * factor}; }

Color FromHsv(double hue, double saturation, double value) {
  const auto channel = [&](double shift) {
    double k = shift + hue * 6;
    k -= 6 * std::floor(k / 6);
    const double share = std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    return 255 * value * (1 - saturation * share);
  };
  return {channel(1), channel(3), channel(5)};
}

Color RandomColor(Random& random, double max_saturation) {
  // One statement a number: the order in which a call's arguments are evaluated is the compiler's choice.
  const double hue = random.Uniform();
  const double saturation = random.Uniform(0, max_saturation);
  return FromHsv(hue, saturation, random.Uniform(0.1, 1));
}

Affine Affine::Similarity(double scale, double angle, double x, double y) {
  const double cosine = scale * PortableCos(angle), sine = scale * PortableSin(angle);
  return {cosine, -sine, sine, cosine, x, y};
}

double Affine::scale() const { return std::sqrt(std::fabs(a * d - b * c)); }

Outline EllipseOutline(const Point& center, double radius_x, double radius_y, double angle) {
  constexpr int kCorners = 40;
  const Affine turn = Affine::Similarity(1, angle, center.x, center.y);
  Outline outline;
  for (int i = 0; i < kCorners; ++i) {
    const double t = 2 * kPi * i / kCorners;
    outline.push_back(turn({radius_x * PortableCos(t), radius_y * PortableSin(t)}));
  }
  return outline;
}

Outline RectangleOutline(double x, double y, double w, double h) {
  return {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}};
}

Painter::Painter(cv::Mat* image, const cv::Rect& bounds, int zoom)
    : image_(image), bounds_(CutTo(bounds, *image)), zoom_(zoom) {
  if (!bounds_.empty()) patch_ = Enlarged((*image_)(bounds_), zoom_);
}

Painter::~Painter() {
  if (empty()) return;
  cv::Mat target = (*image_)(bounds_);
  AverageInto(patch_, zoom_, &target);
}

std::vector<cv::Point> Painter::ToPatch(const Outline& outline) const {
  // Far outside nothing is seen, and OpenCV's fixed-point coordinates would overflow.
  constexpr double kFar = 8000;
  std::vector<cv::Point> points;
  points.reserve(outline.size());
  for (const Point& corner : outline) {
    const Point p = transform_(corner);
    // Pixel i covers [i, i + 1) here, and [i - 0.5, i + 0.5) in OpenCV.
    const double x = std::clamp((p.x - bounds_.x) * zoom_ - 0.5, -kFar, kFar);
    const double y = std::clamp((p.y - bounds_.y) * zoom_ - 0.5, -kFar, kFar);
    points.emplace_back(static_cast<int>(std::lround(x * kOne)), static_cast<int>(std::lround(y * kOne)));
  }
  return points;
}

void Painter::FillOpaque(const std::vector<cv::Point>& points, const Color& color, cv::Mat* target) const {
  cv::fillPoly(*target, std::vector<std::vector<cv::Point>>{points}, ToScalar(color), cv::LINE_AA, kShift);
}

void Painter::Fill(const Outline& outline, const Color& color, double opacity) {
  if (empty()) return;
  std::vector<cv::Point> points = ToPatch(outline);
  if (opacity >= 1) return FillOpaque(points, color, &patch_);
  cv::Rect extent = cv::boundingRect(points);
  extent = cv::Rect(extent.x / kOne - 2, extent.y / kOne - 2, extent.width / kOne + 5, extent.height / kOne + 5);
  extent = CutTo(extent, patch_);
  if (extent.empty()) return;
  cv::Mat below = patch_(extent);
  cv::Mat painted = below.clone();
  for (cv::Point& point : points) point -= extent.tl() * kOne;
  FillOpaque(points, color, &painted);
  const int share = static_cast<int>(std::lround(opacity * 256));
  for (int y = 0; y < extent.height; ++y) {
    const uchar* from = painted.ptr(y);
    uchar* to = below.ptr(y);
    for (int i = 0; i < extent.width * 3; ++i) to[i] = static_cast<uchar>(to[i] + (from[i] - to[i]) * share / 256);
  }
}

void Painter::Stroke(const Outline& line, double width, const Color& color, bool closed) {
  if (empty()) return;
  const int thickness = std::clamp(static_cast<int>(std::lround(width * transform_.scale() * zoom_)), 1, 500);
  cv::polylines(patch_, std::vector<std::vector<cv::Point>>{ToPatch(line)}, closed, ToScalar(color), thickness,
                cv::LINE_AA, kShift);
}

void Painter::Blur(double sigma) {
  if (empty() || sigma * zoom_ < 0.3) return;
  cv::GaussianBlur(patch_, patch_, cv::Size(), sigma * zoom_, sigma * zoom_, cv::BORDER_REPLICATE);
}

int ZoomFor(double size) {
  constexpr double kDetail = 64;  // pixels that eyes and lids need to come out apart
  return std::clamp(static_cast<int>(std::ceil(kDetail / size)), 2, 8);
}

}  // namespace hardface::data
