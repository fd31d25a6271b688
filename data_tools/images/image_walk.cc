#include "data_tools/images/image_walk.h"

#include <utility>

#include "base/folder_walk.h"
#include "base/status_macros.h"
#include "data_tools/images/image_kind.h"

namespace hardface::data {
bool HasImageExtension(absl::string_view name) { return HasEnding(name, ImageExtensions()); }

absl::StatusOr<ImageWalk> WalkImages(const std::string& folder) {
  std::vector<std::string> endings = ImageExtensions();
  endings.insert(endings.end(), ForeignExtensions().begin(), ForeignExtensions().end());
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesUnder(folder, endings));
  ImageWalk walk;
  for (std::string& file : files)
    (HasImageExtension(file) ? walk.images : walk.other_pictures).push_back(std::move(file));
  return walk;
}

}  // namespace hardface::data
