#include "model/image_input.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "data_tools/base/check.h"
#include "model/model_file.h"

namespace hardface {

namespace {

// Where an output coordinate falls between two source pixels: source * (1 - fraction) + (source + 1) * fraction, as
// OpenCV's INTER_LINEAR has it.
struct Tap {
  int source = 0;
  float fraction = 0;
};

std::vector<Tap> MakeTaps(int from, int to, double scale) {
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    const auto position = static_cast<float>((i + 0.5) * scale - 0.5);
    Tap tap{static_cast<int>(std::floor(position)), 0};
    tap.fraction = position - static_cast<float>(tap.source);
    if (tap.source < 0) tap = {0, 0};
    if (tap.source >= from - 1) tap = {from - 1, 0};
    taps[static_cast<size_t>(i)] = tap;
  }
  return taps;
}

void ResizeRow(const uint8_t* source, int columns, const std::vector<Tap>& taps, float* target) {
  for (const Tap& tap : taps) {
    const uint8_t* const left = source + 3 * tap.source;
    const uint8_t* const right = tap.source + 1 < columns ? left + 3 : left;
    for (int c = 0; c < 3; ++c) {
      target[c] = static_cast<float>(left[c]) * (1 - tap.fraction) + static_cast<float>(right[c]) * tap.fraction;
    }
    target += 3;
  }
}

}  // namespace

// OpenCV would need the whole image in floats first: 960 MB for a photograph of 80 megapixels.
cv::Mat ResizeToFloat(const cv::Mat& image, double scale) {
  HARDFACE_CHECK(image.type() == CV_8UC3 && scale > 0);
  const int rows = std::max(1, cvRound(image.rows * scale)), columns = std::max(1, cvRound(image.cols * scale));
  const bool vanishes = std::lround(image.cols * scale) < 1 || std::lround(image.rows * scale) < 1;
  // By factor, not by size: that is how the published code samples (the two differ by a fraction of a pixel).
  const std::vector<Tap> x_taps =
      MakeTaps(image.cols, columns, vanishes ? static_cast<double>(image.cols) / columns : 1 / scale);
  const std::vector<Tap> y_taps =
      MakeTaps(image.rows, rows, vanishes ? static_cast<double>(image.rows) / rows : 1 / scale);
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
      const Tap tap = y_taps[static_cast<size_t>(y)];
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
                       cv::Point from) {
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
          target[x] = (source[3 * at] - kBgrMean[c]) * factor;
        }
      }
      std::fill(target + x, target + input.shape.w, 0.0f);
    }
  }
}

}  // namespace hardface
