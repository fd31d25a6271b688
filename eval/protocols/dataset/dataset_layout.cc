#include "eval/protocols/dataset/dataset_layout.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "eval/common/result_check.h"

namespace hardface::eval {
namespace {

ImageEvidence Examine(const ScoredImage& image, const std::string& name, const ResultPlace& place) {
  std::vector<ResultBox> boxes;
  for (size_t i = 0; i < image.detections.size(); ++i) {
    const data::Detection& found = image.detections[i];
    const int64_t line = i < place.box_lines.size() ? place.box_lines[i] : place.line;
    boxes.push_back({found.box.x, found.box.y, found.box.w, found.box.h, found.score, line});
  }
  std::vector<FaceRect> faces;
  for (const data::Face& face : image.faces) faces.push_back({face.box.x, face.box.y, face.box.w, face.box.h});
  ImageEvidence evidence = ExamineImage(boxes, faces);
  evidence.file = place.file;
  evidence.unit = place.unit;
  evidence.image = name;
  return evidence;
}

// Most of the boxes' centres lie outside of the image: they were found on one of another size.
bool LiesElsewhere(const ScoredImage& image, const data::DatasetEntry& entry) {
  if (entry.width <= 0 || entry.height <= 0 || image.detections.empty()) return false;
  const auto width = static_cast<float>(entry.width), height = static_cast<float>(entry.height);
  const auto outside =
      std::count_if(image.detections.begin(), image.detections.end(), [&](const data::Detection& found) {
        const float x = found.box.x + found.box.w / 2, y = found.box.y + found.box.h / 2;
        return x < 0 || y < 0 || x > width || y > height;
      });
  return 2 * outside > static_cast<int64_t>(image.detections.size());
}

bool HasCountedFace(const ScoredImage& image) {
  return std::any_of(image.faces.begin(), image.faces.end(), [](const data::Face& face) { return !face.ignore; });
}

// Detections of other pictures, or under other pictures' names. A detector may miss the faces of a few images.
void ReportNoHit(const JoinedDetections& joined, const std::vector<ImageEvidence>& evidence,
                 const std::string& detections_path, LayoutReport* layout) {
  constexpr int64_t kEnough = 10;
  int64_t with_both = 0;
  for (size_t i = 0; i < joined.images.size(); ++i) {
    if (evidence[i].as_extents > 0) return;
    with_both += HasCountedFace(joined.images[i]) && !joined.images[i].detections.empty();
  }
  if (with_both < kEnough) return;
  layout->Add("results of which no best box lies on a face", detections_path,
              absl::StrCat("of ", with_both,
                           " images with faces and detections. Are they of other pictures, under other "
                           "names, or of another size?"));
}

// Nothing can find a face without area, so that recall stays below 1.
void ReportFacesWithoutArea(const data::Dataset& dataset, LayoutReport* layout) {
  for (const data::DatasetEntry& entry : dataset.entries) {
    const auto count = std::count_if(entry.faces.begin(), entry.faces.end(), [](const data::Face& face) {
      return !face.ignore && (face.box.w <= 0 || face.box.h <= 0);
    });
    if (count == 0) continue;
    layout->Add("images of the dataset with faces without area", absl::StrCat(entry.image, " (", count, ")"),
                "they count as missed, since nothing can find them; data_tools:doctor --repair removes them");
  }
}

}  // namespace

LayoutReport CheckDatasetLayout(const data::Dataset& dataset, const DatasetDetections& detections,
                                const JoinedDetections& joined) {
  LayoutReport layout = detections.layout;
  for (size_t i = 0; i < joined.unknown_images.size(); ++i) {
    const ResultPlace& place = detections.places[joined.unknown_entries[i]];
    layout.Add("images that are not in the dataset",
               absl::StrCat(place.file, place.unit, place.line, " (", joined.unknown_images[i], ")"),
               "their detections are left out");
  }
  for (size_t i : joined.without_detections) {
    if (detections.lists_only_found) break;
    layout.Add("images without a line in the detections", dataset.entries[i].image, "their faces count as missed");
  }
  if (std::none_of(joined.images.begin(), joined.images.end(), &HasCountedFace)) {
    layout.Add("datasets without a face that counts", dataset.manifest_path,
               "AP and recall are not defined (nan); were the labels found when the dataset was imported?");
  }
  ReportFacesWithoutArea(dataset, &layout);
  std::vector<ImageEvidence> evidence;
  for (size_t i = 0; i < joined.images.size(); ++i) {
    const int64_t entry = joined.entries[i];
    evidence.push_back(Examine(joined.images[i], dataset.entries[i].image,
                               entry < 0 ? ResultPlace{} : detections.places[static_cast<size_t>(entry)]));
  }
  ReportMistakes(evidence, &layout);
  ReportNoHit(joined, evidence, detections.input, &layout);
  for (size_t i = 0; i < joined.images.size(); ++i) {
    if (joined.entries[i] < 0 || !LiesElsewhere(joined.images[i], dataset.entries[i])) continue;
    const ResultPlace& place = detections.places[static_cast<size_t>(joined.entries[i])];
    layout.Add("images most of whose boxes lie outside of them",
               absl::StrCat(place.file, place.unit, place.line, " (", dataset.entries[i].image, ")"),
               "were they found on pictures of another size?");
  }
  return layout;
}

}  // namespace hardface::eval
