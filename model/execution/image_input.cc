#include "model/execution/image_input.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "base/check.h"
#include "model/execution/resize_tap.h"

namespace hardface::model {

namespace {

// Of the pixels first .. first + count - 1.
std::vector<ResizeTap> MakeTaps(int from, int first, int count, double scale) {
  std::vector<ResizeTap> taps(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) taps[static_cast<size_t>(i)] = ResizeTapOf(first + i, from, scale);
  return taps;
}

void ResizeRow(const uint8_t* source, int columns, const std::vector<ResizeTap>& taps, float* target) {
  for (const ResizeTap& tap : taps) {
    const uint8_t* const left = source + 3 * tap.source;
    const uint8_t* const right = tap.source + 1 < columns ? left + 3 : left;
    for (int c = 0; c < 3; ++c) {
      target[c] = static_cast<float>(left[c]) * (1 - tap.fraction) + static_cast<float>(right[c]) * tap.fraction;
    }
    target += 3;
  }
}

}  // namespace

LevelGeometry LevelGeometryOf(int image_rows, int image_columns, double scale) {
  LevelGeometry level;
  level.rows = std::max(1, cvRound(image_rows * scale));
  level.columns = std::max(1, cvRound(image_columns * scale));
  const bool vanishes = std::lround(image_columns * scale) < 1 || std::lround(image_rows * scale) < 1;
  // By factor, not by size: that is how the published code samples (the two differ by a fraction of a pixel).
  level.x_step = vanishes ? static_cast<double>(image_columns) / level.columns : 1 / scale;
  level.y_step = vanishes ? static_cast<double>(image_rows) / level.rows : 1 / scale;
  return level;
}

cv::Mat ResizeToFloat(const cv::Mat& image, double scale) {
  const LevelGeometry level = LevelGeometryOf(image.rows, image.cols, scale);
  return ResizeToFloat(image, scale, {0, 0, level.columns, level.rows});
}

// OpenCV would need the whole image in floats first: 960 MB for a photograph of 80 megapixels.
cv::Mat ResizeToFloat(const cv::Mat& image, double scale, const cv::Rect& window) {
  HARDFACE_CHECK(image.type() == CV_8UC3 && scale > 0);
  const LevelGeometry level = LevelGeometryOf(image.rows, image.cols, scale);
  HARDFACE_CHECK(window.x >= 0 && window.y >= 0 && window.x + window.width <= level.columns &&
                 window.y + window.height <= level.rows);
  const int rows = window.height, columns = window.width;
  const std::vector<ResizeTap> x_taps = MakeTaps(image.cols, window.x, columns, level.x_step);
  const std::vector<ResizeTap> y_taps = MakeTaps(image.rows, window.y, rows, level.y_step);
  cv::Mat resized(rows, columns, CV_32FC3);
#pragma omp parallel
  {
    // The two source rows in use, resized horizontally; a row that the one before needed, too, is not made again.
    std::vector<float> lines[2];
    int sources[2] = {-1, -1};
    for (auto& line : lines) line.resize(static_cast<size_t>(columns) * 3);
    const auto line_of = [&](int source) -> const std::vector<float>& {
      const int slot = source % 2;
      if (sources[slot] != source) ResizeRow(image.ptr(source), image.cols, x_taps, lines[slot].data());
      sources[slot] = source;
      return lines[slot];
    };
#pragma omp for schedule(static)
    for (int y = 0; y < rows; ++y) {
      const ResizeTap tap = y_taps[static_cast<size_t>(y)];
      const std::vector<float>& upper = line_of(tap.source);
      const std::vector<float>& lower = tap.source + 1 < image.rows ? line_of(tap.source + 1) : upper;
      float* const target = resized.ptr<float>(y);
      for (int i = 0; i < 3 * columns; ++i) {
        target[i] = upper[static_cast<size_t>(i)] * (1 - tap.fraction) + lower[static_cast<size_t>(i)] * tap.fraction;
      }
    }
  }
  return resized;
}

void WriteNetworkInput(const cv::Mat& image, float input_divisor, bool mirror, int n, const TensorView& input,
                       cv::Point from, const std::array<float, 3>& bgr_mean) {
  HARDFACE_CHECK(image.type() == CV_32FC3 && input.block == 1 && input.shape.c == 3);
  const float factor = 1.0f / input_divisor;
  const int columns = std::clamp(image.cols - from.x, 0, input.shape.w);
#pragma omp parallel for schedule(static) collapse(2)
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < input.shape.h; ++y) {
      float* const target = input.row(n, c, y);
      int x = 0;
      if (y + from.y < image.rows) {
        const float* const source = image.ptr<float>(y + from.y) + c;
        for (; x < columns; ++x) {
          const int at = mirror ? image.cols - 1 - (from.x + x) : from.x + x;
          target[x] = (source[3 * at] - bgr_mean[c]) * factor;
        }
      }
      std::fill(target + x, target + input.shape.w, 0.0f);
    }
  }
}

}  // namespace hardface::model
