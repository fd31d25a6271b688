// Pictures of detections.
#ifndef HARDFACE_INFER_DRAW_H_
#define HARDFACE_INFER_DRAW_H_

#include <opencv2/core/mat.hpp>
#include <vector>

#include "data_tools/dataset/detections.h"

namespace hardface::infer {

// A copy of IMAGE (8-bit BGR) with the boxes of at least THRESHOLD and their scores; the surer, the greener.
cv::Mat DrawDetections(const cv::Mat& image, const std::vector<data::Detection>& detections, float threshold);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DRAW_H_
