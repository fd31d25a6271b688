// The orientation that a camera noted in a JPEG's EXIF data. Readers that apply it show another picture than the stored
// one, and boxes drawn on that do not fit.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_
#define HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_

#include "absl/strings/string_view.h"

namespace hardface::data {

// 1 (upright) to 8; 1 where the file is no JPEG, has none or has it broken. 2, 4, 5 and 7 are mirrored, 5 to 8 swap
// width and height. BYTES: the file or its start.
int ExifOrientation(absl::string_view bytes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_
