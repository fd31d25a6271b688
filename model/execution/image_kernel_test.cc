#include "model/execution/image_kernel.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <vector>

#include "base/random.h"
#include "model/execution/image_input.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"

namespace hardface::model {
namespace {

cv::Mat RandomImage() {
  cv::Mat image(37, 53, CV_8UC3);
  Random random(1);
  for (int64_t i = 0; i < 3 * int64_t{37} * 53; ++i) image.data[i] = static_cast<uint8_t>(random.Index(256));
  return image;
}

// The kernel over an input of SHAPE (1 or 2 images) against what the CPU writes, from the pixel FROM of the level on.
void ExpectAsOnTheCpu(const cv::Mat& image, double scale, const Shape& shape, bool mirror_first, cv::Point from) {
  const cv::Mat level = ResizeToFloat(image, scale);
  const LevelGeometry geometry = LevelGeometryOf(image.rows, image.cols, scale);
  ASSERT_EQ(geometry.rows, level.rows);
  ASSERT_EQ(geometry.columns, level.cols);
  const Tensor expected(shape);
  for (int n = 0; n < shape.n; ++n) {
    WriteNetworkInput(level, 64.0f, /*mirror=*/n == 1 || mirror_first, n, expected.view(), from);
  }
  std::vector<Channels<float>> out(static_cast<size_t>(shape.n) * shape.h * shape.w);
  const ImageKernel<float> kernel{
      image.data,       image.rows,      image.cols,      geometry.rows,
      geometry.columns, geometry.x_step, geometry.y_step, {kBgrMean[0], kBgrMean[1], kBgrMean[2]},
      1 / 64.0f,        mirror_first,    from.x,          from.y,
      out.data(),       shape.h,         shape.w};
  for (size_t i = 0; i < out.size(); ++i) kernel(static_cast<int64_t>(i));
  for (int n = 0; n < shape.n; ++n) {
    for (int y = 0; y < shape.h; ++y) {
      for (int x = 0; x < shape.w; ++x) {
        const Channels<float>& pixel = out[(static_cast<size_t>(n) * shape.h + y) * shape.w + x];
        for (int c = 0; c < 8; ++c) {
          ASSERT_EQ(pixel.values[c], c < 3 ? expected.view().at(n, c, y, x) : 0.0f)
              << "scale " << scale << ", image " << n << ", y " << y << ", x " << x << ", channel " << c << ", from "
              << from;
        }
      }
    }
  }
}

TEST(SampleKernelTest, MakesWhatWritingTheInputMakes) {
  Random random(2);
  std::vector<float> pixels;
  std::vector<DeviceSample> samples;
  const Shape shape{3, 3, 32, 48};
  const Tensor expected(shape);  // zeros
  // The second image of the batch could not be read.
  for (const cv::Size size : {cv::Size(34, 21), cv::Size(), cv::Size(48, 30)}) {
    samples.push_back({static_cast<int64_t>(pixels.size()), size.height, size.width});
    cv::Mat sample(size, CV_32FC3);
    for (int y = 0; y < sample.rows; ++y) {
      float* const row = sample.ptr<float>(y);
      for (int x = 0; x < 3 * sample.cols; ++x) row[x] = static_cast<float>(random.Uniform(-20, 280));
      pixels.insert(pixels.end(), row, row + 3 * sample.cols);
    }
    const int n = static_cast<int>(samples.size()) - 1;
    if (!sample.empty()) WriteNetworkInput(sample, 64.0f, /*mirror=*/false, n, expected.view());
  }
  std::vector<Channels<float>> out(static_cast<size_t>(shape.n) * shape.h * shape.w);
  const SampleKernel<float> kernel{
      samples.data(), pixels.data(), {kBgrMean[0], kBgrMean[1], kBgrMean[2]}, 1 / 64.0f, out.data(), shape.h, shape.w};
  for (size_t i = 0; i < out.size(); ++i) kernel(static_cast<int64_t>(i));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<int>(i);
    const int n = at / (shape.h * shape.w), y = at / shape.w % shape.h, x = at % shape.w;
    for (int c = 0; c < 8; ++c) ASSERT_EQ(out[i].values[c], c < 3 ? expected.view().at(n, c, y, x) : 0.0f) << i;
  }
}

TEST(ImageKernelTest, MakesWhatResizingAndWritingTheInputMake) {
  const cv::Mat image = RandomImage();
  for (const double scale : {0.01, 0.31, 0.5, 1.0, 1.7}) {
    const LevelGeometry level = LevelGeometryOf(image.rows, image.cols, scale);
    ExpectAsOnTheCpu(image, scale, {2, 3, RoundUp(level.rows, 16), RoundUp(level.columns, 16)}, /*mirror_first=*/false,
                     {0, 0});
  }
}

TEST(ImageKernelTest, MakesTilesOfTheLevelAndOfItsMirrorImage) {
  const cv::Mat image = RandomImage();  // at 1.7: 90 x 63 pixels
  for (const bool mirrored : {false, true}) {
    for (const cv::Point from : {cv::Point(0, 0), cv::Point(16, 0), cv::Point(0, 16), cv::Point(48, 32)}) {
      ExpectAsOnTheCpu(image, 1.7, {1, 3, 32, 48}, mirrored, from);
    }
  }
}

}  // namespace
}  // namespace hardface::model
