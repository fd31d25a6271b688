// Reading and writing images: the one place that knows image files. JPEG by libjpeg-turbo, PNG by libpng, WebP by
// libwebp, BMP by ourselves; told by their content, never by their names.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_
#define HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_

#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// Which way up an image is read.
enum class Pixels {
  kAsStored,  // what a dataset's annotations speak of
  kAsSeen,    // turned by its EXIF orientation, as viewers show it
};

// Decodes an image file into 8-bit BGR (rows x columns x 3). Grey images are spread over the three channels, alpha is
// dropped, samples of 16 bits are divided by 257 and rounded, gamma and colour profiles change nothing. Errors name the
// file: missing, of another kind (and what converts it), truncated, broken, or beyond kMaxImagePixels (image_size.h).
absl::StatusOr<cv::Mat> ReadImage(const std::string& path, Pixels pixels = Pixels::kAsStored);

// The same of a path that a user names himself: it may be a pipe.
absl::StatusOr<cv::Mat> ReadImageOrPipe(const std::string& path, Pixels pixels);

// From the file's header, without decoding; of the pixels as stored.
absl::StatusOr<ImageSize> ReadImageSize(const std::string& path);

// The EXIF orientation, 1 to 8 (exif.h); 1 where the file has none or cannot be read. Reads little of the file.
int ReadOrientation(const std::string& path);

// The bytes of a JPEG file. IMAGE: 8-bit BGR.
absl::StatusOr<std::string> EncodeJpeg(const cv::Mat& image, int quality = 95);

// IMAGE: 8-bit BGR. Files appear complete or not at all.
absl::Status WriteJpeg(const std::string& path, const cv::Mat& image, int quality = 95);
absl::Status WritePng(const std::string& path, const cv::Mat& image);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_IMAGE_IO_H_
