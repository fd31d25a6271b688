#include "data_tools/images/image_walk.h"

#include <utility>

#include "base/folder_walk.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

// Pictures that image_io does not read, or not under these names.
const std::vector<std::string>& OtherExtensions() {
  static const auto* const kExtensions = new std::vector<std::string>{
      ".avif", ".dng", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jxl", ".tif", ".tiff"};
  return *kExtensions;
}

}  // namespace

const std::vector<std::string>& ImageExtensions() {
  static const auto* const kExtensions = new std::vector<std::string>{".jpg", ".jpeg", ".png", ".bmp", ".webp"};
  return *kExtensions;
}

bool HasImageExtension(absl::string_view name) { return HasEnding(name, ImageExtensions()); }

absl::StatusOr<ImageWalk> WalkImages(const std::string& folder) {
  std::vector<std::string> endings = ImageExtensions();
  endings.insert(endings.end(), OtherExtensions().begin(), OtherExtensions().end());
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesUnder(folder, endings));
  ImageWalk walk;
  for (std::string& file : files)
    (HasImageExtension(file) ? walk.images : walk.other_pictures).push_back(std::move(file));
  return walk;
}

}  // namespace hardface::data
