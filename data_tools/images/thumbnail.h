// Small pictures of images, for pages.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_THUMBNAIL_H_
#define HARDFACE_DATA_TOOLS_IMAGES_THUMBNAIL_H_

#include <opencv2/core/mat.hpp>

namespace hardface::data {

// IMAGE in its proportions, made smaller where a side is longer than MAX_SIDE pixels; no side is below 1.
cv::Mat Thumbnail(const cv::Mat& image, int max_side);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_THUMBNAIL_H_
