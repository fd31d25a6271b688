// Decoding JPEG files by libjpeg-turbo. Errors say what is wrong with the file, but not its name, which the caller
// knows.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_JPEG_IMAGE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_JPEG_IMAGE_H_

#include <opencv2/core/mat.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// From the header, which must lie in BYTES, the file's start or all of it.
absl::StatusOr<ImageSize> JpegSize(absl::string_view bytes);

// 8-bit BGR: baseline, progressive and arithmetic-coded files; grey, YCbCr, RGB, CMYK and YCCK (Adobe's inverted inks,
// as other readers take them). Truncated and damaged data are errors; what lies behind the picture, or between its
// segments, is not.
absl::StatusOr<cv::Mat> DecodeJpeg(absl::string_view bytes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_JPEG_IMAGE_H_
