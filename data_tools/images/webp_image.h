// Decoding WebP files by libwebp. Errors say what is wrong with the file, but not its name, which the caller knows.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_WEBP_IMAGE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_WEBP_IMAGE_H_

#include <opencv2/core/mat.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// From the header, which must lie in BYTES, the file's start or all of it.
absl::StatusOr<ImageSize> WebpSize(absl::string_view bytes);

// 8-bit BGR, of lossy and lossless files; alpha is dropped. Animations are errors.
absl::StatusOr<cv::Mat> DecodeWebp(absl::string_view bytes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_WEBP_IMAGE_H_
