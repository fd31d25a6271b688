#include "eval/protocols/dataset/dataset_detections.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "eval/common/name_index.h"
#include "eval/common/result_check.h"
#include "eval/common/result_form.h"
#include "eval/common/result_text.h"
#include "eval/common/result_tree.h"

namespace hardface::eval {
namespace {

// The dataset's images as they are; results of these forms know no mirrored ones.
std::vector<std::string> NamesOf(const data::Dataset& dataset) {
  std::vector<std::string> names;
  for (const data::DatasetEntry& entry : dataset.entries) {
    if (!entry.flip) names.push_back(entry.image);
  }
  return names;
}

data::ImageDetections ToDetections(const std::string& image, const std::vector<ResultBox>& boxes) {
  data::ImageDetections detections{image, /*flip=*/false, {}};
  detections.boxes.reserve(boxes.size());
  for (const ResultBox& box : boxes) {
    detections.boxes.push_back(
        {{static_cast<float>(box.x), static_cast<float>(box.y), static_cast<float>(box.w), static_cast<float>(box.h)},
         static_cast<float>(box.score)});
  }
  return detections;
}

// Whether a number is finite as the 32-bit float that it becomes, too.
bool Fits(double number) { return std::isfinite(static_cast<float>(number)); }

absl::Status Add(const std::string& image, const std::vector<ResultBox>& boxes, ResultPlace place,
                 DatasetDetections* detections) {
  for (const ResultBox& box : boxes) {
    if (Fits(box.x) && Fits(box.y) && Fits(box.w) && Fits(box.h) && Fits(box.score)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(place.file, place.unit, box.line, ": holds a number that a 32-bit float cannot hold"));
  }
  detections->images.push_back(ToDetections(image, boxes));
  place.line = boxes.empty() ? 1 : boxes[0].line;
  for (const ResultBox& box : boxes) place.box_lines.push_back(box.line);
  detections->places.push_back(std::move(place));
  return absl::OkStatus();
}

absl::StatusOr<DatasetDetections> ReadJsonl(const std::string& path) {
  DatasetDetections detections;
  detections.input = data::DetectionsFile(path);
  ASSIGN_OR_RETURN(detections.images, data::ReadDetections(detections.input));
  ASSIGN_OR_RETURN(const std::vector<int64_t> lines, FilledLines(detections.input));
  for (size_t i = 0; i < detections.images.size(); ++i) {
    detections.places.push_back({detections.input, ":", i < lines.size() ? lines[i] : 0, {}});
  }
  ASSIGN_OR_RETURN(detections.hash, HashFile(detections.input));
  return detections;
}

absl::StatusOr<DatasetDetections> ReadCoco(const std::string& path, const std::vector<std::string>& names,
                                           const CocoResultOptions& options) {
  ASSIGN_OR_RETURN(CocoResults results, ReadCocoResults(path, options, names));
  DatasetDetections detections;
  detections.input = path;
  detections.lists_only_found = true;
  detections.layout = std::move(results.layout);
  for (size_t i = 0; i < names.size(); ++i) {
    if (results.images[i].empty()) continue;
    RETURN_IF_ERROR(Add(names[i], results.images[i], {path, kCocoUnit, 0, {}}, &detections));
  }
  ASSIGN_OR_RETURN(detections.hash, HashFile(path));
  return detections;
}

// The image that FILE is of; -1: none of the dataset's.
absl::StatusOr<int64_t> ImageOf(const ResultFile& file, const NameIndex& index, std::vector<std::string>* owners) {
  const int64_t image = index.Find(file.name);
  if (image == NameIndex::kSeveral) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.place, ": could be the results of several images of the dataset; give more of its path"));
  }
  if (image < 0) return image;
  std::string& owner = (*owners)[static_cast<size_t>(image)];
  if (!owner.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.place, " and ", owner, " are results of the same image; remove one of them"));
  }
  owner = file.place;
  return image;
}

absl::StatusOr<DatasetDetections> ReadTree(const std::string& path, const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(const ResultTree tree, ReadResultTree(path, /*threads=*/0));
  NameIndex index;
  for (const std::string& name : names) index.Add(name);
  DatasetDetections detections;
  detections.input = path;
  detections.hash = HashResultTree(tree.files);
  for (const std::string& folder : tree.folders_named_txt) {
    detections.layout.Add("folders that bear a result file's name", folder, "each is a directory, not a file");
  }
  std::vector<std::string> owners(names.size());
  for (const ResultFile& file : tree.files) {
    ASSIGN_OR_RETURN(const int64_t image, ImageOf(file, index, &owners));
    if (image < 0) {
      detections.layout.Add("extra result files", file.place, "they are left out");
      continue;
    }
    ASSIGN_OR_RETURN(const ParsedResultFile parsed, ParseResultText(file.bytes, file.place));
    if (parsed.negative_extent_line > 0) {
      return absl::InvalidArgumentError(absl::StrCat(file.place, ":", parsed.negative_extent_line,
                                                     ": width or height is below 0; expected x y w h score"));
    }
    const std::string& name = names[static_cast<size_t>(image)];
    NoteFindings(parsed, file.place, name, &detections.layout);
    RETURN_IF_ERROR(Add(name, parsed.boxes, {file.place, ":", 0, {}}, &detections));
  }
  if (!detections.images.empty()) return detections;
  return absl::InvalidArgumentError(absl::StrCat(path, ": holds no result of an image of the dataset",
                                                 names.empty() ? "" : ", whose images are called like " + names[0]));
}

}  // namespace

absl::StatusOr<DatasetDetections> ReadDatasetDetections(const std::string& path, const data::Dataset& dataset,
                                                        const CocoResultOptions& coco) {
  switch (FormOfResults(path)) {
    case ResultForm::kCoco:
      return ReadCoco(path, NamesOf(dataset), coco);
    case ResultForm::kTree:
      return ReadTree(path, NamesOf(dataset));
    case ResultForm::kJsonl:
      break;
  }
  return ReadJsonl(path);
}

}  // namespace hardface::eval
