// The orientation that a camera noted in a picture's EXIF data: how the stored picture is to be turned to be seen as it
// was taken. Viewers and most annotation tools turn it; the pixels as stored, which a dataset's boxes speak of, are
// not.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_
#define HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "data_tools/dataset/box.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

inline constexpr int kUpright = 1;

// Up to COUNT bytes of a file from OFFSET on; fewer at its end.
using ReadAt = std::function<std::string(uint64_t offset, size_t count)>;

// 1 (upright) to 8, of a JPEG (APP1), PNG (eXIf, or the text that ImageMagick writes) or WebP; 1 where the file is
// another, has none or has it broken. 2, 4, 5 and 7 are mirrored, 5 to 8 swap width and height.
int ExifOrientation(const ReadAt& read);
int ExifOrientation(absl::string_view bytes);

// The picture as seen, of the pixels as stored.
cv::Mat TurnUpright(const cv::Mat& stored, int orientation);

// The size as seen, of that as stored; and the other way round.
ImageSize TurnSize(const ImageSize& size, int orientation);

// Where BOX of the picture as seen lies among the pixels as stored, which are of the size STORED.
Rect BoxAsStored(const Rect& box, int orientation, const ImageSize& stored);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_EXIF_H_
