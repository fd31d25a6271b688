#include "eval/protocols/wider/wider_ground_truth.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/mat_file.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string>& SubsetNames() {
  static const auto* names = new std::vector<std::string>{"easy", "medium", "hard"};
  return *names;
}

using Variables = std::map<std::string, data::MatValue>;

std::string LabelVariable(int label) { return absl::StrCat(kWiderLabelNames[label], "_label_list"); }

// One of the three .mat files, as far as it goes.
class MatGroundTruth {
 public:
  MatGroundTruth(std::string path, Variables variables) : path_(std::move(path)), variables_(std::move(variables)) {}

  // Fills in images and boxes; faces of gt_list get bit SUBSET.
  absl::Status Read(int subset, bool with_labels, WiderGroundTruth* truth) const {
    ASSIGN_OR_RETURN(const data::MatValue* events, Cells("event_list"));
    ASSIGN_OR_RETURN(const data::MatValue* files, Cells("file_list"));
    ASSIGN_OR_RETURN(const data::MatValue* boxes, Cells("face_bbx_list"));
    ASSIGN_OR_RETURN(const data::MatValue* kept, Cells("gt_list"));
    bool any = false, all_integer = true;
    for (size_t i = 0; i < events->cells.size(); ++i) {
      if (events->cells[i].kind != data::MatValue::Kind::kText) return Bad("event_list", i, 0, "is not a text");
      ASSIGN_OR_RETURN(const size_t count, ImagesOfEvent(*files, *boxes, *kept, i));
      for (size_t j = 0; j < count; ++j) {
        WiderImage image;
        image.event = events->cells[i].text;
        const data::MatValue& name = files->cells[i].cells[j];
        if (name.kind != data::MatValue::Kind::kText) return Bad("file_list", i, j, "is not a text");
        image.name = name.text;
        RETURN_IF_ERROR(ReadBoxes(boxes->cells[i].cells[j], i, j, &image));
        RETURN_IF_ERROR(MarkCounted(kept->cells[i].cells[j], i, j, subset, &image));
        if (with_labels) RETURN_IF_ERROR(ReadLabels(i, j, &image));
        any = any || !image.faces.empty();
        all_integer = all_integer && (image.faces.empty() || boxes->cells[i].cells[j].is_integer);
        truth->images.push_back(std::move(image));
      }
    }
    if (!any) return absl::InvalidArgumentError(absl::StrCat(path_, ": holds no face"));
    truth->integer_boxes = all_integer;
    return absl::OkStatus();
  }

 private:
  absl::Status Bad(absl::string_view variable, size_t event, size_t image, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", variable, "{", event + 1, "}{", image + 1, "} ", what,
                                                   "; this is not a ground truth file of WIDER FACE's eval_tools"));
  }

  absl::StatusOr<const data::MatValue*> Cells(const std::string& name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end() || found->second.kind != data::MatValue::Kind::kCells) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has no cell array ", name,
                                                     "; expected a ground truth file of WIDER FACE's eval_tools"));
    }
    return &found->second;
  }

  // The number of images of event I, the same in all three lists.
  absl::StatusOr<size_t> ImagesOfEvent(const data::MatValue& files, const data::MatValue& boxes,
                                       const data::MatValue& kept, size_t i) const {
    for (const data::MatValue* list : {&files, &boxes, &kept}) {
      if (i >= list->cells.size()) return Bad("event_list", i, 0, "has no counterpart in the other lists");
      if (list->cells[i].cells.size() != files.cells[i].cells.size()) {
        return Bad("file_list", i, 0, "has another number of images than face_bbx_list or gt_list");
      }
    }
    return files.cells[i].cells.size();
  }

  absl::Status ReadBoxes(const data::MatValue& boxes, size_t i, size_t j, WiderImage* image) const {
    if (boxes.size() == 0) return absl::OkStatus();
    if (boxes.kind != data::MatValue::Kind::kNumbers || boxes.columns() != 4) {
      return Bad("face_bbx_list", i, j, "does not have the columns x, y, w, h");
    }
    image->faces.resize(boxes.rows());
    for (int64_t row = 0; row < boxes.rows(); ++row) {
      WiderFace& face = image->faces[row];
      face.x = boxes.At(row, 0);
      face.y = boxes.At(row, 1);
      face.w = boxes.At(row, 2);
      face.h = boxes.At(row, 3);
      if (!std::isfinite(face.x + face.y + face.w + face.h)) {
        return Bad("face_bbx_list", i, j, absl::StrCat("holds a number that is not finite in row ", row + 1));
      }
    }
    return absl::OkStatus();
  }

  absl::Status MarkCounted(const data::MatValue& kept, size_t i, size_t j, int subset, WiderImage* image) const {
    for (double index : kept.numbers) {
      if (!(index >= 1 && index <= static_cast<double>(image->faces.size())) || index != std::floor(index)) {
        return Bad("gt_list", i, j,
                   absl::StrCat("names face ", index, " of ", image->faces.size(), " (they count from 1)"));
      }
      uint8_t& subsets = image->faces[static_cast<size_t>(index) - 1].subsets;
      if (subsets & (1 << subset)) return Bad("gt_list", i, j, absl::StrCat("names face ", index, " twice"));
      subsets |= 1 << subset;
    }
    return absl::OkStatus();
  }

  absl::Status ReadLabels(size_t i, size_t j, WiderImage* image) const {
    for (int label = 0; label < kWiderLabels; ++label) {
      ASSIGN_OR_RETURN(const data::MatValue* list, Cells(LabelVariable(label)));
      const bool there = i < list->cells.size() && j < list->cells[i].cells.size();
      if (!there || list->cells[i].cells[j].numbers.size() != image->faces.size()) {
        return Bad(LabelVariable(label), i, j, "does not hold a label for each face");
      }
      const std::vector<double>& values = list->cells[i].cells[j].numbers;
      for (size_t k = 0; k < values.size(); ++k) {
        if (!(values[k] >= 0 && values[k] <= 100)) return Bad(LabelVariable(label), i, j, "holds no label number");
        image->faces[k].labels[label] = static_cast<int8_t>(values[k]);
      }
    }
    return absl::OkStatus();
  }

  std::string path_;
  Variables variables_;
};

// Adds FROM's counted faces to TRUTH, which must hold the same images and boxes.
absl::Status Merge(const WiderGroundTruth& from, const std::string& from_file, WiderGroundTruth* truth) {
  bool same = from.images.size() == truth->images.size() && from.integer_boxes == truth->integer_boxes;
  std::string where = "the list of images";
  for (size_t i = 0; same && i < from.images.size(); ++i) {
    const WiderImage& image = from.images[i];
    WiderImage& target = truth->images[i];
    where = absl::StrCat(image.event, "/", image.name);
    same = image.event == target.event && image.name == target.name && image.faces.size() == target.faces.size();
    for (size_t k = 0; same && k < image.faces.size(); ++k) {
      const WiderFace& a = image.faces[k];
      WiderFace& b = target.faces[k];
      same = a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h;
      b.subsets |= a.subsets;
    }
  }
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(from_file, " and ", truth->files[0], " disagree about ", where,
                                                 "; use the .mat files of one release (2017: int32, older: double)"));
}

absl::StatusOr<WiderGroundTruth> ReadMatFolder(const std::string& folder, bool with_labels) {
  const size_t count = SubsetNames().size();
  std::vector<WiderGroundTruth> parts(count);
  std::vector<absl::Status> statuses(count);
  const auto read = [&](int subset) -> absl::Status {
    const std::string path = absl::StrCat(folder, "/wider_", SubsetNames()[subset], "_val.mat");
    std::vector<std::string> names = {"event_list", "file_list", "face_bbx_list", "gt_list"};
    const bool labels_here = with_labels && subset == 0;
    for (int label = 0; labels_here && label < kWiderLabels; ++label) names.push_back(LabelVariable(label));
    ASSIGN_OR_RETURN(Variables variables, data::ReadMatFile(path, names));
    parts[subset].files = {path};
    return MatGroundTruth(path, std::move(variables)).Read(subset, labels_here, &parts[subset]);
  };
  ParallelFor(static_cast<int64_t>(count), /*threads=*/0,
              [&](int64_t subset) { statuses[subset] = read(static_cast<int>(subset)); });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  WiderGroundTruth truth = std::move(parts[0]);
  for (size_t subset = 1; subset < count; ++subset) {
    RETURN_IF_ERROR(Merge(parts[subset], parts[subset].files[0], &truth));
    truth.files.push_back(parts[subset].files[0]);
  }
  truth.subsets = SubsetNames();
  return truth;
}

// The subsets that a face of a dataset names; false when it names none.
bool SubsetsOfFace(const data::Face& face, uint8_t* subsets) {
  const auto list = face.attributes.find("subsets");
  if (list == face.attributes.end() || !list->is_array()) return false;
  *subsets = 0;
  for (const auto& name : *list) {
    for (size_t s = 0; s < SubsetNames().size(); ++s) {
      if (name == SubsetNames()[s]) *subsets |= 1 << s;
    }
  }
  return true;
}

bool IsWhole(const data::Rect& box) {
  return std::floor(box.x) == box.x && std::floor(box.y) == box.y && std::floor(box.w) == box.w &&
         std::floor(box.h) == box.h;
}

WiderFace FaceOfDataset(const data::Face& face, bool by_subsets) {
  WiderFace out;
  out.x = face.box.x;
  out.y = face.box.y;
  out.w = face.box.w;
  out.h = face.box.h;
  if (!by_subsets) {
    out.subsets = face.ignore ? 0 : 1;
  } else if (SubsetsOfFace(face, &out.subsets) && face.ignore) {
    out.subsets = 0;
  }
  for (int label = 0; label < kWiderLabels; ++label) {
    const auto value = face.attributes.find(kWiderLabelNames[label]);
    if (value != face.attributes.end() && value->is_number_integer()) out.labels[label] = value->get<int8_t>();
  }
  return out;
}

absl::StatusOr<WiderGroundTruth> FromDataset(const std::string& path) {
  ASSIGN_OR_RETURN(const data::Dataset dataset, data::ReadDataset(path));
  WiderGroundTruth truth;
  truth.files = {dataset.manifest_path};
  bool by_subsets = false;
  uint8_t unused;
  truth.integer_boxes = true;
  for (const data::DatasetEntry& entry : dataset.entries) {
    for (const data::Face& face : entry.faces) {
      by_subsets = by_subsets || SubsetsOfFace(face, &unused);
      truth.integer_boxes = truth.integer_boxes && IsWhole(face.box);
    }
  }
  truth.subsets = by_subsets ? SubsetNames() : std::vector<std::string>{"all"};
  for (const data::DatasetEntry& entry : dataset.entries) {
    if (entry.flip) continue;  // WIDER's protocol knows no mirrored images
    const std::string key = WiderKey(entry.image);
    const size_t slash = key.find('/');
    WiderImage image;
    image.event = slash == std::string::npos ? "" : key.substr(0, slash);
    image.name = slash == std::string::npos ? key : key.substr(slash + 1);
    for (const data::Face& face : entry.faces) image.faces.push_back(FaceOfDataset(face, by_subsets));
    truth.images.push_back(std::move(image));
  }
  if (truth.images.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(dataset.manifest_path, ": the dataset has no images to score"));
  }
  return truth;
}

}  // namespace

std::string WiderKey(const std::string& path) {
  const fs::path parts(path);
  const std::string event = parts.parent_path().filename().string();
  const std::string extension = parts.extension().string();
  // Names may hold dots themselves: only what is surely an extension goes.
  const bool known = extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".txt";
  const std::string name = (known ? parts.stem() : parts.filename()).string();
  return event.empty() || event == "." ? name : absl::StrCat(event, "/", name);
}

absl::StatusOr<WiderGroundTruth> ReadWiderGroundTruth(const std::string& path, bool with_labels) {
  if (fs::path(path).filename() == "manifest.jsonl" || IsThere(path + "/manifest.jsonl")) return FromDataset(path);
  if (!IsFolder(path)) {
    return absl::NotFoundError(absl::StrCat(
        path,
        ": is not a folder; give the folder of wider_easy_val.mat, wider_medium_val.mat and wider_hard_val.mat "
        "(WIDER FACE's eval_tools/ground_truth), or a dataset"));
  }
  return ReadMatFolder(path, with_labels);
}

}  // namespace hardface::eval
