// The pictures of a folder: what every tool means when a user gives it a folder of images.
#ifndef HARDFACE_DATA_TOOLS_IMAGES_IMAGE_WALK_H_
#define HARDFACE_DATA_TOOLS_IMAGES_IMAGE_WALK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::data {

// Whether NAME ends as an image file does that is read (image_kind.h), in any case.
bool HasImageExtension(absl::string_view name);

struct ImageWalk {
  std::vector<std::string> images;  // relative to the folder, sorted
  // Pictures in formats that are not read, by their endings (.heic, .tif, ...): a user wants to hear of them.
  std::vector<std::string> other_pictures;
};

// The pictures under FOLDER, by the rules of base/folder_walk.h. A folder without any is no error here.
absl::StatusOr<ImageWalk> WalkImages(const std::string& folder);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_IMAGE_WALK_H_
