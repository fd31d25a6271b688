// Sizes of images, and how large they may be.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_IMAGE_SIZE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_IMAGE_SIZE_H_

#include <cstdint>

#include "absl/status/status.h"

namespace hardface::data {

struct ImageSize {
  int width = 0;  // pixels
  int height = 0;
};

// Pixels that an image may have: decoded they take 1.6 GB.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 29;
// Pixels of a side, as in a dataset's manifest.
inline constexpr int64_t kMaxImageSide = 1000000;
// Beyond 16 million pixels a file that holds more of them than this in a byte is no photograph: a PNG of one colour
// reaches 8,256, a photograph 20.
inline constexpr int64_t kMaxPixelsPerByte = 16384;

// Asked with what the header of a file of FILE_BYTES says, before anything is allocated for its pixels: an error where
// the size is not one, or beyond what is read.
absl::Status CheckImageSize(int64_t width, int64_t height, int64_t file_bytes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_IMAGE_SIZE_H_
