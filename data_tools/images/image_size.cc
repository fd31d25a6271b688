#include "data_tools/images/image_size.h"

#include "absl/strings/str_cat.h"

namespace hardface::data {

absl::Status CheckImageSize(int64_t width, int64_t height, int64_t file_bytes) {
  if (width <= 0 || height <= 0) return absl::InvalidArgumentError("broken or truncated: no image size in it");
  if (width > kMaxImageSide || height > kMaxImageSide || width * height > kMaxImagePixels) {
    return absl::InvalidArgumentError(absl::StrCat("an image of ", width, " x ", height,
                                                   " pixels is not supported (at most ", kMaxImagePixels,
                                                   " pixels, and ", kMaxImageSide, " on a side)"));
  }
  constexpr int64_t kHarmless = int64_t{1} << 24;
  if (width * height > kHarmless && width * height / kMaxPixelsPerByte > file_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("its header promises ", width, " x ", height, " pixels in ",
                                                   file_bytes, " bytes: truncated, or made to exhaust memory"));
  }
  return absl::OkStatus();
}

}  // namespace hardface::data
