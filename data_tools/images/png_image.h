// Decoding and encoding PNG files by libpng. Errors say what is wrong with the file, but not its name, which the caller
// knows.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_PNG_IMAGE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_PNG_IMAGE_H_

#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// From the header, which must lie in BYTES, the file's start or all of it.
absl::StatusOr<ImageSize> PngSize(absl::string_view bytes);

// 8-bit BGR of any kind of PNG: palettes and grey of any depth are spread over the three channels; samples of 16 bits
// are divided by 257 and rounded, so that a file gives what its 8-bit twin does; alpha is dropped; gamma and colour
// profiles change nothing. Of an animation the first picture.
absl::StatusOr<cv::Mat> DecodePng(absl::string_view bytes);

// IMAGE: 8-bit BGR.
absl::StatusOr<std::string> EncodePng(const cv::Mat& image);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_PNG_IMAGE_H_
