#include "data_tools/formats/yolo_labels.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/file_id.h"
#include "base/folder_walk.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/formats/yolo_rows.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// Longer files are no labels of one image; they are not read to find out.
constexpr int64_t kMaxLabelBytes = 10 << 20;

std::string Absolute(const std::string& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal().string();
}

// IMAGE's label with the last folder for which IS_IMAGES holds replaced.
template <typename IsImages>
std::string LabelPath(const std::string& image, IsImages is_images) {
  const fs::path path(image);
  const std::vector<fs::path> parts(path.begin(), path.end());
  const auto last = std::find_if(parts.rbegin(), parts.rend(), is_images);
  fs::path label;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool replaced = last != parts.rend() && i + 1 == static_cast<size_t>(parts.rend() - last);
    label /= replaced ? fs::path("labels") : parts[i];
  }
  return label.replace_extension(".txt").string();
}

std::string InLabelsFolder(const std::string& image) {
  return LabelPath(image, [](const fs::path& part) { return absl::EqualsIgnoreCase(part.string(), "images"); });
}

std::string BesideImage(const std::string& image) { return fs::path(image).replace_extension(".txt").string(); }

bool HoldsLabels(const std::string& path) {
  std::error_code error;
  if (fs::file_size(path, error) > kMaxLabelBytes || error) return false;
  const absl::StatusOr<std::string> text = ReadFile(path);
  return text.ok() && LooksLikeYoloLabels(*text);
}

}  // namespace

std::string YoloLabelPath(const std::string& image) {
  return LabelPath(image, [](const fs::path& part) { return part == "images"; });
}

absl::StatusOr<YoloLabelIndex> YoloLabelIndex::Create(const std::vector<std::string>& folders) {
  YoloLabelIndex index;
  for (const std::string& folder : folders) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesUnder(folder, {".txt"}));
    for (const std::string& file : files) {
      const std::string path = (fs::path(folder) / file).string();
      const std::string absolute = Absolute(path);
      if (!index.files_.emplace(absolute, LabelFile{path, false}).second) continue;
      index.by_lower_case_[absl::AsciiStrToLower(absolute)].push_back(absolute);
    }
  }
  return index;
}

YoloLabelIndex::LabelFile* YoloLabelIndex::Lookup(const std::string& path) {
  const std::string absolute = Absolute(path);
  if (const auto exact = files_.find(absolute); exact != files_.end()) return &exact->second;
  const auto alike = by_lower_case_.find(absl::AsciiStrToLower(absolute));
  return alike == by_lower_case_.end() ? nullptr : &files_.at(alike->second.front());
}

std::string YoloLabelIndex::Find(const std::string& labels, const std::string& images, const std::string& file,
                                 bool* again) {
  const std::string image = (fs::path(images) / file).string();
  const auto in_labels = [&labels](const std::string& path) { return (fs::path(labels) / path).string(); };
  for (const std::string& path : {in_labels(InLabelsFolder(file)), InLabelsFolder(Absolute(image)),
                                  in_labels(BesideImage(file)), BesideImage(image)}) {
    LabelFile* const found = Lookup(path);
    if (found == nullptr) continue;
    *again = found->used;
    found->used = true;
    return found->path;
  }
  return "";
}

std::vector<std::string> YoloLabelIndex::Unused() const {
  // A file may be there under two names, by a link: it is told once.
  std::set<FileId> used;
  for (const auto& [absolute, file] : files_) {
    if (file.used) used.insert(FileIdOf(absolute));
  }
  std::vector<std::string> unused;
  for (const auto& [absolute, file] : files_) {
    if (!file.used && used.insert(FileIdOf(absolute)).second && HoldsLabels(absolute)) unused.push_back(file.path);
  }
  return unused;
}

}  // namespace hardface::data
