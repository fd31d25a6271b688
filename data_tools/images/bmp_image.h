// Decoding BMP files. By our own code: no small library of Debian reads all of them, and those that do bring a window
// system or a hundred further libraries. Errors say what is wrong with the file, but not its name.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_BMP_IMAGE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_BMP_IMAGE_H_

#include <opencv2/core/mat.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// From the header, which must lie in BYTES, the file's start or all of it.
absl::StatusOr<ImageSize> BmpSize(absl::string_view bytes);

// 8-bit BGR, of files of Windows (all header versions) and OS/2: palettes of 1, 4 and 8 bits, plain and run-length
// coded; 16, 24 and 32 bits, with bit masks or without; upright and upside down. Alpha is dropped.
absl::StatusOr<cv::Mat> DecodeBmp(absl::string_view bytes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_BMP_IMAGE_H_
