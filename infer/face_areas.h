// What is done with the parts of a picture that hold faces: cut out, or made unrecognisable.
#ifndef HARDFACE_INFER_FACE_AREAS_H_
#define HARDFACE_INFER_FACE_AREAS_H_

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <vector>

#include "data_tools/dataset/box.h"
#include "data_tools/dataset/detections.h"

namespace hardface::infer {

// The boxes of the FACES whose score is THRESHOLD or more, in their order.
std::vector<data::Rect> BoxesFrom(const std::vector<data::Detection>& faces, float threshold);

// BOX, made larger on each side by MARGIN of its own width or height, in whole pixels within an image of SIZE. Empty
// where the two do not meet.
cv::Rect AreaOf(const data::Rect& box, double margin, const cv::Size& size);

// How faces are hidden. Either way an area keeps 8 x 8 colours, the means of its parts, and nothing else of it.
enum class Hiding {
  kBlur,      // smooth between the colours
  kPixelate,  // squares of them
};

// A copy of IMAGE (8-bit BGR) in which the areas of BOXES are hidden.
cv::Mat HideFaces(const cv::Mat& image, const std::vector<data::Rect>& boxes, double margin, Hiding hiding);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_FACE_AREAS_H_
