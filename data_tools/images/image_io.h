// Reading and writing images: JPEG by libjpeg-turbo, PNG by libpng. The one place that knows image files.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_
#define HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_

#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::data {

struct ImageSize {
  int width = 0;  // pixels
  int height = 0;
};

// Decodes a JPEG or PNG file into 8-bit BGR (rows x columns x 3). Grey images are spread over the three channels, alpha
// is dropped onto black. EXIF orientation is not applied: annotations speak of the pixels as stored. Errors name the
// file: missing, neither JPEG nor PNG, truncated, broken.
absl::StatusOr<cv::Mat> ReadImage(const std::string& path);

// The size from the file's header, without decoding.
absl::StatusOr<ImageSize> ReadImageSize(const std::string& path);

// The bytes of a JPEG file. IMAGE: 8-bit BGR.
absl::StatusOr<std::string> EncodeJpeg(const cv::Mat& image, int quality = 95);

// IMAGE: 8-bit BGR. Files appear complete or not at all.
absl::Status WriteJpeg(const std::string& path, const cv::Mat& image, int quality = 95);
absl::Status WritePng(const std::string& path, const cv::Mat& image);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_
