#include "eval/protocols/dataset/dataset_layout.h"

#include "absl/strings/str_cat.h"
#include "eval/common/result_check.h"

namespace hardface::eval {
namespace {

ImageEvidence Examine(const ScoredImage& image, int64_t line) {
  std::vector<ResultBox> boxes;
  for (const data::Detection& found : image.detections) {
    boxes.push_back({found.box.x, found.box.y, found.box.w, found.box.h, found.score, line});
  }
  std::vector<FaceRect> faces;
  for (const data::Face& face : image.faces) faces.push_back({face.box.x, face.box.y, face.box.w, face.box.h});
  return ExamineImage(boxes, faces);
}

}  // namespace

LayoutReport CheckDatasetLayout(const data::Dataset& dataset, const JoinedDetections& joined, const std::string& file,
                                const std::vector<int64_t>& lines) {
  const auto line_of = [&](int64_t entry) {
    return entry >= 0 && entry < static_cast<int64_t>(lines.size()) ? lines[entry] : 0;
  };
  LayoutReport layout;
  for (size_t i = 0; i < joined.unknown_images.size(); ++i) {
    const int64_t line = line_of(static_cast<int64_t>(joined.unknown_entries[i]));
    layout.Add("images that are not in the dataset", absl::StrCat(file, ":", line, " (", joined.unknown_images[i], ")"),
               "their detections are left out");
  }
  for (size_t i : joined.without_detections) {
    layout.Add("images without a line in the detections", dataset.entries[i].image, "their faces count as missed");
  }
  std::vector<ImageEvidence> evidence;
  for (size_t i = 0; i < joined.images.size(); ++i) {
    evidence.push_back(Examine(joined.images[i], line_of(joined.entries[i])));
    evidence.back().file = file;
    evidence.back().image = dataset.entries[i].image;
  }
  ReportCorners(evidence, &layout);
  ReportScoreScales(evidence, &layout);
  ReportDoubledRows(evidence, &layout);
  return layout;
}

}  // namespace hardface::eval
