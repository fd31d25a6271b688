// Mirror images of files without loss.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_MIRROR_IMAGE_H_
#define HARDFACE_DATA_TOOLS_IMAGES_MIRROR_IMAGE_H_

#include <string>

#include "absl/status/statusor.h"

namespace hardface::data {

// Writes the image FROM, mirrored about its vertical axis, to TO, and returns the path written: TO itself for a JPEG
// whose width is a whole number of its blocks (8 or 16 pixels): its coefficients are rearranged, nothing is encoded
// anew. Other JPEGs cannot be mirrored that way and become a PNG of exactly the mirrored pixels, TO + ".png", as WebP
// and BMP files do; PNGs stay PNGs. Metadata (EXIF, thumbnails) are left out.
absl::StatusOr<std::string> MirrorImageFile(const std::string& from, const std::string& to);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_MIRROR_IMAGE_H_
