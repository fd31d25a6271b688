#include "data_tools/dataset/relocate.h"

#include <filesystem>

#include "absl/strings/match.h"

namespace hardface::data {

namespace fs = std::filesystem;

Relocator::Relocator(const DatasetReader& reader, const std::string& new_folder)
    : reader_(reader), new_folder_(new_folder), root_(RebasedHeader(reader, new_folder).image_root) {}

std::string Relocator::Image(const DatasetEntry& entry) const {
  const fs::path root(root_);
  if (root.is_absolute() || fs::path(entry.image).is_absolute()) return reader_.ImagePath(entry);
  // Behind a symbolic link ".." is another folder than the path's text says.
  if (absl::StartsWith(entry.image, "..")) return RelativeToDataset(reader_.ImagePath(entry), new_folder_);
  return (root / entry.image).lexically_normal().string();
}

}  // namespace hardface::data
