// From 8-bit images to a network's input.
#ifndef HARDFACE_MODEL_EXECUTION_IMAGE_INPUT_H_
#define HARDFACE_MODEL_EXECUTION_IMAGE_INPUT_H_

#include <array>
#include <opencv2/core/mat.hpp>

#include "data_tools/images/bgr_mean.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// What resizing an image by a factor makes of it.
struct LevelGeometry {
  int rows = 1, columns = 1;      // rounded as OpenCV does, at least 1 x 1
  double x_step = 1, y_step = 1;  // source pixels from one output pixel to the next
};
LevelGeometry LevelGeometryOf(int image_rows, int image_columns, double scale);

// Resizes 8-bit BGR bilinearly by SCALE into float BGR (0..255). The size is rounded as OpenCV does, at least 1 x 1.
cv::Mat ResizeToFloat(const cv::Mat& image, double scale);
// The part WINDOW of it, in pixels of the level, inside which it must lie: the same values.
cv::Mat ResizeToFloat(const cv::Mat& image, double scale, const cv::Rect& window);

// SIZE rounded up to a multiple of MULTIPLE.
inline int RoundUp(int size, int multiple) { return (size + multiple - 1) / multiple * multiple; }

// What the sides of an input are multiples of: a detector's SIZE_MULTIPLE, and PAD_TO where that is more (0: no wish).
inline int PaddedMultiple(int size_multiple, int pad_to) {
  return pad_to > 0 ? RoundUp(pad_to, size_multiple) : size_multiple;
}

// That of VGG16 as Faster R-CNN has it, and of the detectors of this project.
inline constexpr std::array<float, 3> kDefaultBgrMean = {data::kBgrMean[0], data::kBgrMean[1], data::kBgrMean[2]};

// Writes float BGR into image N of INPUT (N, 3, H, W; block 1): BGR_MEAN subtracted, divided by INPUT_DIVISOR, mirrored
// on request. INPUT shows the (mirrored) image from the pixel FROM on; what lies beyond it at the right and bottom is
// zero.
void WriteNetworkInput(const cv::Mat& image, float input_divisor, bool mirror, int n, const TensorView& input,
                       cv::Point from = {0, 0}, const std::array<float, 3>& bgr_mean = kDefaultBgrMean);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_IMAGE_INPUT_H_
