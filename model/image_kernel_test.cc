#include "model/image_kernel.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <vector>

#include "data_tools/base/random.h"
#include "model/image_input.h"
#include "model/model_file.h"
#include "model/tensor.h"

namespace hardface {
namespace {

TEST(ImageKernelTest, MakesWhatResizingAndWritingTheInputMake) {
  cv::Mat image(37, 53, CV_8UC3);
  Random random(1);
  for (int64_t i = 0; i < 3 * int64_t{37} * 53; ++i) image.data[i] = static_cast<uint8_t>(random.Index(256));
  for (const double scale : {0.01, 0.31, 0.5, 1.0, 1.7}) {
    const cv::Mat level = ResizeToFloat(image, scale);
    const LevelGeometry geometry = LevelGeometryOf(image.rows, image.cols, scale);
    ASSERT_EQ(geometry.rows, level.rows);
    ASSERT_EQ(geometry.columns, level.cols);
    Tensor expected({2, 3, RoundUp(level.rows, 16), RoundUp(level.cols, 16)});
    const Shape& shape = expected.shape();
    for (const int n : {0, 1}) WriteNetworkInput(level, 64.0f, /*mirror=*/n == 1, n, expected.view());
    std::vector<Channels<float>> out(static_cast<size_t>(2) * shape.h * shape.w);
    const ImageKernel<float> kernel{image.data,       image.rows,
                                    image.cols,       geometry.rows,
                                    geometry.columns, geometry.x_step,
                                    geometry.y_step,  {kBgrMean[0], kBgrMean[1], kBgrMean[2]},
                                    1 / 64.0f,        /*mirror_first=*/false,
                                    out.data(),       shape.h,
                                    shape.w};
    for (size_t i = 0; i < out.size(); ++i) kernel(static_cast<int64_t>(i));
    for (int n = 0; n < 2; ++n) {
      for (int y = 0; y < shape.h; ++y) {
        for (int x = 0; x < shape.w; ++x) {
          const Channels<float>& pixel = out[(static_cast<size_t>(n) * shape.h + y) * shape.w + x];
          for (int c = 0; c < 8; ++c) {
            ASSERT_EQ(pixel.values[c], c < 3 ? expected.view().at(n, c, y, x) : 0.0f)
                << "scale " << scale << ", image " << n << ", y " << y << ", x " << x << ", channel " << c;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace hardface
