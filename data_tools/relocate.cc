#include "data_tools/relocate.h"

#include <filesystem>

namespace hardface {

std::string RelocatedImage(const DatasetReader& reader, const DatasetEntry& entry, const std::string& new_folder) {
  namespace fs = std::filesystem;
  const fs::path path(reader.ImagePath(entry));
  if (fs::path(reader.header().image_root).is_absolute() || fs::path(entry.image).is_absolute()) return path.string();
  const fs::path image = fs::absolute(path).lexically_normal();
  return image.lexically_relative(fs::absolute(new_folder).lexically_normal()).string();
}

}  // namespace hardface
